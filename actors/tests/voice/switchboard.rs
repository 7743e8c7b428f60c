//! Lines: caps before anything is dialled, one attachment per call, drain.

use std::time::Duration;

use usher_actors::Drained;
use usher_actors::voice::NoLine;
use usher_actors::voice::ports::{CallRef, Handover, Outcome};
use usher_conversation::id::OrgId;
use usher_conversation::voice::CallEnd;

use crate::stage::{Seen, Stage, run};
use crate::support::NOON;

const LONG: Duration = Duration::from_hours(1);

fn of_another_org(call: CallRef) -> CallRef {
    CallRef { org: OrgId::new(NOON, [99; 16]), ..call }
}

#[test]
fn an_organisation_has_so_many_lines_and_the_node_so_many() {
    run(async {
        let stage = Stage::new();
        let admit = |call: CallRef, cap| stage.board.admit(&call, cap);
        let first = admit(stage.call_ref(1, 0), None).expect("a line");
        let _second = admit(stage.call_ref(2, 0), None).expect("a line");
        assert_eq!(admit(stage.call_ref(3, 0), None).err(), Some(NoLine::OrgFull));
        let elsewhere = admit(of_another_org(stage.call_ref(3, 0)), None).expect("a line");
        assert_eq!(admit(of_another_org(stage.call_ref(4, 0)), None).err(), Some(NoLine::NodeFull));
        drop(elsewhere);
        assert_eq!(admit(of_another_org(stage.call_ref(4, 0)), Some(0)).err(), Some(NoLine::OrgFull));
        drop(first);
        assert!(admit(stage.call_ref(3, 0), None).is_ok(), "a line that was given back is free");
        assert_eq!(stage.board.calls_of(&stage.session).len(), 1);
    });
}

#[test]
fn a_session_that_may_have_one_call_gets_no_second() {
    run(async {
        let stage = Stage::new();
        let first = stage.board.admit_alone(&stage.call_ref(1, 0), None).expect("a line");
        let refused = stage.board.admit_alone(&stage.call_ref(2, 0), None).err();
        assert_eq!(refused, Some(NoLine::SessionBusy));
        drop(first);
        assert!(stage.board.admit_alone(&stage.call_ref(2, 0), None).is_ok());
    });
}

#[test]
fn a_newer_attachment_takes_the_place_of_the_older_even_when_all_lines_are_taken() {
    run(async {
        let stage = Stage::new();
        let older = stage.talk().await;
        let other = stage.board.admit(&stage.call_ref(2, 0), None).expect("a line");
        let newer = stage.ring_as(stage.call_ref(1, 1));
        assert_eq!(older.handle.finished().await, Outcome::HandedOver(Handover::Superseded));
        assert_eq!(stage.log.count(|seen| *seen == Seen::HungUp), 0);
        let call = stage.call_ref(1, 1).call;
        let found = stage.board.find(&call).expect("the newer one stays known");
        found.leave(Outcome::HandedOver(Handover::Drain));
        assert_eq!(newer.handle.finished().await, Outcome::HandedOver(Handover::Drain));
        drop(other);
        stage.board.emptied().await;
    });
}

#[test]
fn a_drain_takes_no_more_calls_and_waits_for_those_that_are_live() {
    run(async {
        let stage = Stage::new();
        let phone = stage.talk().await;
        let board = stage.board.clone();
        let drain = actix_rt::spawn(async move { board.drain(LONG, LONG).await });
        while stage.board.admit(&stage.call_ref(2, 0), None).is_ok() {
            tokio::task::yield_now().await;
        }
        assert_eq!(stage.board.admit(&stage.call_ref(2, 0), None).err(), Some(NoLine::ShuttingDown));
        phone.handle.leave(Outcome::Ended(CallEnd::Finished));
        assert_eq!(drain.await.expect("it ends"), Drained::Clean);
    });
}

#[test]
fn a_drain_hands_calls_that_go_on_to_the_redirect() {
    run(async {
        let stage = Stage::new();
        let phone = stage.talk().await;
        assert_eq!(stage.board.drain(Duration::ZERO, LONG).await, Drained::Clean);
        assert_eq!(phone.handle.finished().await, Outcome::HandedOver(Handover::Drain));
        assert_eq!(stage.log.count(|seen| *seen == Seen::Held), 1, "the contact hears a word");
        assert_eq!(stage.log.count(|seen| *seen == Seen::LineClosed), 1);
        assert_eq!(stage.log.count(|seen| *seen == Seen::HungUp), 0);
    });
}

#[test]
fn a_call_that_is_still_being_set_up_when_calls_are_handed_over_is_handed_over_too() {
    run(async {
        let stage = Stage::new();
        let call = stage.call_ref(1, 0);
        let line = stage.board.admit(&call, None).expect("a line");
        assert_eq!(stage.board.drain(Duration::ZERO, Duration::ZERO).await, Drained::Deadline);
        let phone = stage.put_through(call, line);
        assert_eq!(phone.handle.finished().await, Outcome::HandedOver(Handover::Drain));
        stage.board.emptied().await;
    });
}
