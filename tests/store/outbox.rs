//! The outbox and timers ports, erasure, and the read model.

use url::Url;
use usher::db::DatabaseUrl;
use usher::outbound::SmsTransport;
use usher_channels::http::{HttpSettings, HttpStack};
use usher_channels::twilio::TwilioClient;
use usher_conversation::consent::ConsentChange;
use usher_conversation::ports::{Appended, Journal as _, Lookup, Outbox, Settlement, Timers, Transport as _};
use usher_conversation::session::{Effect, MessageKind};

use crate::world::{World, contract, message, timer};

/// The way to a vendor that cannot be asked: the organisation has no account there.
fn sms_without_account(world: &World) -> SmsTransport {
    let http = HttpStack::new(HttpSettings::default()).unwrap();
    let client = TwilioClient::new(http, "http://127.0.0.1:9").unwrap();
    SmsTransport::new(world.store.clone(), client, &Url::parse("https://usher.test").unwrap(), 1)
}

contract! {
    async fn a_message_is_claimed_once_and_a_lost_lease_cannot_settle_it(world: World) {
        let session = world.session("+14155550100").await;
        let delivery = world.send(&session, 1, MessageKind::Reply).await;
        let until = world.now().plus_millis(1_000);
        let first = world.store.claim(world.now(), until, 10).await.unwrap();
        assert_eq!(first.len(), 1);
        assert_eq!((&first[0].delivery, first[0].text.as_str()), (&delivery, "message 1"));
        assert_eq!(first[0].to, "+14155550100");
        assert!(!first[0].uncertain);
        assert!(world.store.claim(world.now(), until, 10).await.unwrap().is_empty());
        let now = world.advance(1_000);
        let second = world.store.claim(now, now.plus_millis(1_000), 10).await.unwrap();
        assert!(second[0].uncertain, "the first owner may have sent it");
        let accepted = || Settlement::Accepted { vendor_id: "SM1".into() };
        assert!(!world.store.settle(&first[0], accepted(), now).await.unwrap());
        assert!(world.store.settle(&second[0], accepted(), now).await.unwrap());
        let found = world.store.delivery(&world.org.id, None, "SM1").await.unwrap();
        assert_eq!(found, Some((delivery, session.session.clone())));
        assert_eq!(Outbox::next_due(&world.store).await.unwrap(), None);
    }

    async fn an_interrupted_message_its_vendor_reported_on_is_found_and_not_sent_again(world: World) {
        let session = world.session("+14155550100").await;
        let delivery = world.send(&session, 1, MessageKind::Reply).await;
        let until = world.now().plus_millis(1_000);
        let first = world.store.claim(world.now(), until, 10).await.unwrap();
        let sms = sms_without_account(&world);
        assert!(matches!(sms.look_up(&first[0]).await, Lookup::Unknown { .. }), "nothing is known of it");
        // The callback came, the answer to the request did not.
        let found = world.store.delivery(&world.org.id, Some(&delivery), "SM1").await.unwrap();
        assert_eq!(found, Some((delivery, session.session.clone())));
        let now = world.advance(1_000);
        let second = world.store.claim(now, now.plus_millis(1_000), 10).await.unwrap();
        assert!(second[0].uncertain);
        assert_eq!(sms.look_up(&second[0]).await, Lookup::Found { vendor_id: "SM1".into() });
    }

    /// Only a process that owns the database alone knows that every other one is dead.
    async fn the_claims_of_a_dead_process_end_early_only_where_there_can_be_no_other(world: World) {
        let session = world.session("+14155550100").await;
        world.send(&session, 1, MessageKind::Reply).await;
        let until = world.now().plus_millis(20_000);
        assert_eq!(world.store.claim(world.now(), until, 10).await.unwrap().len(), 1);
        let world = world.restart().await;
        let due = Outbox::next_due(&world.store).await.unwrap().expect("the message waits");
        let early = world.now().plus_millis(2_000);
        assert_eq!(due, if matches!(world.url, DatabaseUrl::Sqlite(_)) { early } else { until });
        world.advance(due.millis_since(world.now()));
        let claimed = world.store.claim(due, due.plus_millis(1_000), 10).await.unwrap();
        assert!(claimed[0].uncertain, "it may have been sent");
    }

    async fn messages_of_a_session_leave_in_order(world: World) {
        let session = world.session("+14155550100").await;
        let first = world.send(&session, 1, MessageKind::Greeting).await;
        let second = world.send(&session, 2, MessageKind::Reply).await;
        let until = world.now().plus_millis(1_000);
        let claimed = world.store.claim(world.now(), until, 10).await.unwrap();
        assert_eq!(claimed.iter().map(|c| &c.delivery).collect::<Vec<_>>(), [&first]);
        let at = world.now().plus_millis(500);
        let retry = Settlement::Retry { at, reason: "busy".into() };
        assert!(world.store.settle(&claimed[0], retry, world.now()).await.unwrap());
        assert!(world.store.claim(world.now(), until, 10).await.unwrap().is_empty(), "the second one waits");
        assert_eq!(Outbox::next_due(&world.store).await.unwrap(), Some(at));
        let now = world.advance(500);
        let again = world.store.claim(now, now.plus_millis(1_000), 10).await.unwrap();
        assert_eq!((&again[0].delivery, again[0].attempts), (&first, 1));
        let sent = Settlement::Accepted { vendor_id: "SM1".into() };
        assert!(world.store.settle(&again[0], sent, now).await.unwrap());
        let next = world.store.claim(now, now.plus_millis(1_000), 10).await.unwrap();
        assert_eq!(next[0].delivery, second);
    }

    async fn after_an_opt_out_only_the_confirmation_leaves(world: World) {
        let session = world.session("+14155550100").await;
        world.send(&session, 1, MessageKind::Reply).await;
        let mut stop = world.said(&session, 2, "STOP");
        let confirmation = message(&session, 2, MessageKind::Compliance);
        let id = confirmation.delivery.clone();
        stop.effects.push(Effect::ChangeConsent { change: ConsentChange::OptedOut });
        stop.effects.push(Effect::Send(confirmation));
        world.append(stop).await.unwrap();
        world.send(&session, 3, MessageKind::Nudge).await;
        let until = world.now().plus_millis(1_000);
        let claimed = world.store.claim(world.now(), until, 10).await.unwrap();
        assert_eq!(claimed.iter().map(|c| &c.delivery).collect::<Vec<_>>(), [&id]);
        let sent = Settlement::Accepted { vendor_id: "SM1".into() };
        world.store.settle(&claimed[0], sent, world.now()).await.unwrap();
        assert!(world.store.claim(world.now(), until, 10).await.unwrap().is_empty());
    }

    async fn a_claimed_message_is_wanted_until_its_contact_opts_out_or_its_lease_is_lost(world: World) {
        let session = world.session("+14155550100").await;
        world.send(&session, 1, MessageKind::Reply).await;
        let claim = async || {
            let until = world.now().plus_millis(1_000);
            world.store.claim(world.now(), until, 10).await.unwrap().remove(0)
        };
        let first = claim().await;
        assert!(world.store.is_wanted(&first).await.unwrap());
        world.advance(1_000);
        let second = claim().await;
        assert!(!world.store.is_wanted(&first).await.unwrap(), "somebody else has it");
        assert!(world.store.is_wanted(&second).await.unwrap());
        let mut stop = world.said(&session, 2, "STOP");
        stop.effects.push(Effect::ChangeConsent { change: ConsentChange::OptedOut });
        world.append(stop).await.unwrap();
        assert!(!world.store.is_wanted(&second).await.unwrap());
        let dropped = Settlement::Dropped { reason: "opted out".into() };
        assert!(world.store.settle(&second, dropped, world.now()).await.unwrap());
    }

    async fn a_newer_reply_takes_the_place_of_one_that_waits(world: World) {
        let session = world.session("+14155550100").await;
        world.send(&session, 1, MessageKind::Reply).await;
        let mut newer = world.said(&session, 2, "and also");
        let reply = message(&session, 2, MessageKind::Reply);
        let id = reply.delivery.clone();
        newer.effects = vec![Effect::SupersedeReplies, Effect::Send(reply)];
        world.append(newer).await.unwrap();
        let claimed = world.store.claim(world.now(), world.now().plus_millis(1_000), 10).await.unwrap();
        assert_eq!(claimed.iter().map(|c| &c.delivery).collect::<Vec<_>>(), [&id]);
    }

    async fn a_timer_is_due_until_a_turn_ends_it(world: World) {
        let session = world.session("+14155550100").await;
        let due = world.now().plus_millis(100);
        let mut append = world.said(&session, 1, "hello");
        let (id, effect) = timer(&session, 1, due);
        append.effects.push(effect);
        world.append(append).await.unwrap();
        assert!(world.store.due(world.now(), 10).await.unwrap().is_empty());
        assert_eq!(Timers::next_due(&world.store).await.unwrap(), Some(due));
        assert_eq!(world.store.due(due, 10).await.unwrap()[0].timer, id);
        let later = due.plus_millis(100);
        world.store.postpone(&id, later).await.unwrap();
        assert!(world.store.due(due, 10).await.unwrap().is_empty());
        assert_eq!(world.store.due(later, 10).await.unwrap()[0].timer, id);
        let mut cancel = world.said(&session, 2, "hello");
        cancel.effects.push(Effect::CancelTimer { timer: id });
        world.append(cancel).await.unwrap();
        assert!(world.store.due(later, 10).await.unwrap().is_empty());
    }

    async fn a_link_ends_when_its_session_has_rested(world: World) {
        let session = world.session("+14155550100").await;
        let made = world.now();
        let opens = async |active_since| {
            world.store.session_of_link(&session.link, active_since).await.unwrap().is_some()
        };
        assert!(opens(made).await);
        assert!(!opens(made.plus_millis(1)).await);
        world.advance(10);
        world.append(world.said(&session, 1, "hello")).await.unwrap();
        world.store.catch_up(&world.org.id, &session.session, 1).await.unwrap();
        assert!(opens(made.plus_millis(1)).await, "what happens in the session starts the time anew");
    }

    async fn an_erased_person_cannot_be_read_again(world: World) {
        let session = world.session("+14155550100").await;
        world.send(&session, 1, MessageKind::Reply).await;
        assert!(world.store.erase_contact(&world.org.id, &session.contact).await.unwrap());
        let world = world.restart().await;
        assert!(world.store.load(&world.org.id, &session.session).await.unwrap().is_none());
        let more = world.append(world.said(&session, 2, "hello")).await;
        assert!(matches!(more, Ok(Appended::Conflict)), "{more:?}");
        let claimed = world.store.claim(world.now(), world.now().plus_millis(1), 10).await.unwrap();
        assert!(claimed.is_empty());
    }

    async fn the_read_model_can_be_thrown_away_and_agrees_with_the_journal(world: World) {
        let session = world.session("+14155550100").await;
        for seq in 1..=5 {
            world.append(world.said(&session, seq, "hello")).await.unwrap();
        }
        world.store.catch_up(&world.org.id, &session.session, 5).await.unwrap();
        world.store.rebuild().await.unwrap();
        let verified = world.store.verify_all().await.unwrap();
        assert_eq!((verified.sessions, verified.turns), (1, 5));
        assert_eq!(verified.differences, []);
    }
}
