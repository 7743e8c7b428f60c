//! A panic costs one call its line to the redirect, and nobody anything else.

use std::sync::atomic::Ordering::SeqCst;

use usher_actors::voice::ports::{Handover, Outcome};
use usher_conversation::voice::{AgentEvent, CallNews, CarrierEvent, Utterance};

use crate::stage::{Seen, Stage, run};

fn said(text: &str) -> AgentEvent {
    AgentEvent::Said(Utterance { event: 1, text: text.to_owned() })
}

#[test]
fn a_call_that_panics_is_handed_to_the_redirect_and_its_news_are_kept() {
    run(async {
        let stage = Stage::new();
        let phone = stage.talk().await;
        stage.world.store.hold();
        phone.send(CarrierEvent::Typed("hello".to_owned())).await;
        stage.world.store.until(|store| store.appends_begun == 3).await;
        stage.log.captions_panic.store(true, SeqCst);
        stage.agent(said("boom")).await;
        assert_eq!(phone.handle.finished().await, Outcome::HandedOver(Handover::Failure));
        let recorded = stage.log.place(|seen| matches!(seen, Seen::Recorded(..)));
        assert!(recorded < stage.log.place(|seen| *seen == Seen::LineClosed));
        assert_eq!(stage.log.count(|seen| *seen == Seen::AgentClosed), 1);
        assert_eq!(stage.log.count(|seen| *seen == Seen::HungUp), 0, "the contact is still there");
        stage.world.store.release();
        stage.journaled(|news| matches!(news, CallNews::Heard { .. })).await;
    });
}

#[test]
fn a_call_beside_a_panicking_one_on_the_same_thread_goes_on() {
    run(async {
        let (stage, other) = (Stage::new(), Stage::new());
        let (phone, healthy) = (stage.talk().await, other.talk().await);
        stage.log.captions_panic.store(true, SeqCst);
        stage.agent(said("boom")).await;
        phone.handle.finished().await;
        healthy.speak(1).await;
        other.log.until(|seen| matches!(seen, Seen::ToAgent(_))).await;
    });
}

#[test]
fn a_call_whose_farewell_panics_too_still_ends_and_gives_its_line_back() {
    run(async {
        let stage = Stage::new();
        let phone = stage.talk().await;
        stage.log.captions_panic.store(true, SeqCst);
        stage.log.closing_panics.store(true, SeqCst);
        stage.agent(said("boom")).await;
        assert_eq!(phone.handle.finished().await, Outcome::HandedOver(Handover::Failure));
        stage.board.emptied().await;
    });
}

#[test]
fn a_session_that_cannot_be_read_is_tried_again_and_then_left_to_the_keypad() {
    run(async {
        let stage = Stage::new();
        stage.world.store.fail_reads(true);
        let phone = stage.ring();
        assert!(matches!(phone.handle.finished().await, Outcome::HandedOver(Handover::AgentUnavailable(_))));
        assert_eq!(stage.log.count(|seen| matches!(seen, Seen::Dialled(_))), 0);
    });
}
