//! Over a bound the answer is a typed refusal, never a loss and never a longer queue.

use futures_util::FutureExt as _;
use futures_util::future::{join, join_all};
use usher_actors::{RuntimeConfig, RuntimeError};
use usher_conversation::problem::Problem;

use crate::support::{World, run};

#[test]
fn a_flooded_session_is_busy_and_the_others_are_not() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let (flooded, calm) = (world.session(1), world.session(2));
        world.say(&runtime, &calm, None, "hello").await.expect("heard");
        world.store.hold();
        let flood = join_all((0..10_000).map(|_| world.say(&runtime, &flooded, None, "again")));
        let others = async {
            world.store.until(|store| store.appends_begun == 2).await;
            assert!(runtime.stats().waiting <= 64, "the queue is bounded");
            let seen = runtime.read(&world.org, &calm).await.expect("a calm session is served at once");
            assert_eq!(seen.state.seq(), 1);
            world.store.release();
        };
        let (answers, ()) = join(flood, others).await;
        let heard = answers.iter().filter(|answer| answer.is_ok()).count();
        let busy = answers.iter().filter(|answer| matches!(answer, Err(RuntimeError::SessionBusy))).count();
        assert_eq!((heard, busy), (64, 10_000 - 64));
        assert_eq!(world.store.journal_of(&flooded).len(), 64, "what was admitted is durable");
        assert_eq!(runtime.stats().waiting, 0);
    });
}

/// From the first poll on a request is carried out, so that one poll is one message.
#[test]
fn a_million_messages_through_a_thousand_handles_fit_into_one_bounded_queue() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let flooded = world.session(1);
        world.store.hold();
        let handles = vec![runtime.clone(); 1_000];
        let (mut admitted, mut refused) = (0, 0);
        for _ in 0..1_000 {
            for handle in &handles {
                match world.say(handle, &flooded, None, "again").now_or_never() {
                    None => admitted += 1,
                    Some(Err(RuntimeError::SessionBusy)) => refused += 1,
                    Some(other) => panic!("neither taken nor busy: {other:?}"),
                }
            }
        }
        assert_eq!((admitted, refused), (64, 1_000_000 - 64));
        assert_eq!(runtime.stats().waiting, 64);
        world.store.release();
        world.store.until(|store| store.appends_begun == 64).await;
        assert_eq!(runtime.drain(std::time::Duration::from_mins(1)).await, usher_actors::Drained::Clean);
        assert_eq!(world.store.journal_of(&flooded).len(), 64, "nothing that was taken is lost");
    });
}

/// The broken variant, and why admission is counted by us: every clone of an actix address brings a place of its own.
#[test]
fn a_bare_mailbox_takes_a_message_more_from_every_clone_of_its_address() {
    struct Slow;
    impl actix::Actor for Slow {
        type Context = actix::Context<Self>;
        fn started(&mut self, context: &mut Self::Context) {
            context.set_mailbox_capacity(1);
        }
    }
    struct Word;
    impl actix::Message for Word {
        type Result = ();
    }
    impl actix::Handler<Word> for Slow {
        type Result = ();
        fn handle(&mut self, Word: Word, _context: &mut Self::Context) {}
    }
    actix_rt::System::new().block_on(async {
        let address = actix::Actor::start(Slow);
        let clones: Vec<_> = (0..1_000).map(|_| address.clone()).collect();
        // Nothing is read meanwhile: this task does not give the thread away.
        let taken = clones.iter().filter(|clone| clone.try_send(Word).is_ok()).count();
        assert_eq!(taken, 1_000, "a bound of one or sixteen holds nobody back");
    });
}

#[test]
fn a_node_with_too_much_waiting_refuses_more_and_recovers() {
    run(async {
        let world = World::new();
        let runtime = world.start_with(RuntimeConfig { node_bound: 10, ..world.config() });
        let sessions: Vec<_> = (0..20).map(|number| world.session(number)).collect();
        world.store.hold();
        let flood = join_all(sessions.iter().map(|session| world.say(&runtime, session, None, "hello")));
        let release = async {
            world.store.until(|store| store.appends_begun == 10).await;
            world.store.release();
        };
        let (answers, ()) = join(flood, release).await;
        let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.len(), 10);
        assert!(
            refused
                .iter()
                .all(|error| error.problem() == Problem::Overloaded && error.retry_after().is_some())
        );
        for session in &sessions {
            world.say(&runtime, session, None, "again").await.expect("heard");
        }
    });
}
