//! A panic costs one session its cached state, and nobody anything else.

use std::sync::atomic::Ordering;

use futures_util::future::join;
use usher_conversation::channel::Channel;
use usher_conversation::session::event::EscalationReason;
use usher_conversation::session::{Command, Event, Origin};

use crate::support::engine::heard;
use crate::support::{World, run, words};

const SET_ASIDE: Event = Event::Escalated { reason: EscalationReason::Quarantined };

#[test]
fn a_panic_that_passes_is_not_noticed_by_the_caller() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.say(&runtime, &session, None, "one").await.expect("heard");
        let handled = world.say(&runtime, &session, None, "flaky").await.expect("heard at the second try");
        assert_eq!((handled.seq, world.toy.panics.load(Ordering::SeqCst)), (2, 1));
        assert!(!world.store.events_of(&session).contains(&SET_ASIDE));
    });
}

#[test]
fn the_third_panic_sets_the_message_aside_and_the_queue_goes_on() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        world.store.hold();
        // All are queued behind the first while it is being appended; the poison is among them.
        let first = world.say(&runtime, &session, None, "one");
        let poison = world.say(&runtime, &session, Some("poison"), "boom");
        let last = world.say(&runtime, &session, None, "three");
        let release = async {
            world.store.until(|store| store.appends_begun == 1).await;
            world.store.release();
        };
        let (((first, poison), last), ()) = join(join(join(first, poison), last), release).await;
        assert_eq!(first.expect("heard").seq, 1);
        let poison = poison.expect("the caller is answered");
        assert_eq!(world.toy.panics.load(Ordering::SeqCst), 3);
        let turn = poison.turn.expect("it is journaled");
        assert_eq!(heard(&turn), Some("boom"), "the raw words are kept");
        assert!(turn.events.contains(&SET_ASIDE));
        assert_eq!(turn.dedup.as_deref(), Some("poison"));
        assert_eq!(last.expect("the rest goes on").seq, 3);
        let again = world.say(&runtime, &session, Some("poison"), "boom").await.expect("answered");
        assert!(again.duplicate, "a redelivery of the poison does not reach the engine");
        assert_eq!(world.toy.panics.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn a_form_that_panics_is_set_aside_with_what_was_entered() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let session = world.session(1);
        let command = Command::Submit {
            origin: Origin { channel: Channel::Widget, address: String::new(), line: None },
            field: usher_conversation::flow::FieldId::new("website"),
            value: serde_json::json!("acme.com"),
        };
        let handled = runtime.handle(&world.org, &session, None, command).await.expect("answered");
        assert_eq!(handled.turn.as_deref().and_then(heard), Some("acme.com"));
    });
}

#[test]
fn sessions_beside_a_panicking_one_lose_nothing() {
    run(async {
        let world = World::new();
        let runtime = world.start();
        let poisoned = world.session(0);
        let healthy: Vec<_> = (1..20).map(|number| world.session(number)).collect();
        let poison = async {
            for _ in 0..10 {
                let command = words(Channel::Widget, "boom");
                runtime.handle(&world.org, &poisoned, None, command).await.expect("set aside");
            }
        };
        let talk = futures_util::future::join_all(healthy.iter().map(|session| async {
            for _ in 0..10 {
                world.say(&runtime, session, None, "hello").await.expect("heard");
            }
        }));
        join(poison, talk).await;
        assert!(healthy.iter().all(|session| world.store.journal_of(session).len() == 10));
        assert_eq!(world.store.journal_of(&poisoned).len(), 10);
    });
}
