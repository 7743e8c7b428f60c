//! Sound: both ways, untouched, bounded.

use std::sync::atomic::Ordering::SeqCst;

use usher_actors::voice::ports::Outcome;
use usher_conversation::voice::{AgentEvent, AudioFormat, CallEnd, CarrierEvent};

use crate::stage::{Seen, Stage, frame, run};

fn to_agent(seen: &Seen) -> bool {
    matches!(seen, Seen::ToAgent(_))
}

#[test]
fn sound_goes_both_ways_and_is_never_copied() {
    run(async {
        let stage = Stage::new();
        let phone = stage.talk().await;
        let (there, back) = (frame(7), frame(8));
        phone.send(CarrierEvent::Audio(there.clone())).await;
        stage.agent(AgentEvent::Audio { event: 1, audio: back.clone() }).await;
        stage.log.until(to_agent).await;
        stage.log.until(|seen| matches!(seen, Seen::ToContact(_))).await;
        for seen in stage.log.seen().iter() {
            match seen {
                Seen::ToAgent(audio) => assert_eq!(audio.data.as_ptr(), there.data.as_ptr()),
                Seen::ToContact(audio) => assert_eq!(audio.data.as_ptr(), back.data.as_ptr()),
                _ => {}
            }
        }
    });
}

#[test]
fn of_what_is_said_before_the_agent_is_there_it_hears_the_last_second_in_order() {
    run(async {
        let stage = Stage::new();
        let phone = stage.ring();
        for number in 0..60 {
            phone.speak(number).await;
        }
        stage.pick_up(AudioFormat::Mulaw8k).await;
        phone.speak(60).await;
        stage.log.until_seen(51, to_agent).await;
        let heard: Vec<u8> = stage.log.voice().iter().map(|audio| audio.data[0]).collect();
        assert_eq!(heard, (10..=60).collect::<Vec<u8>>());
    });
}

#[test]
fn an_agent_that_is_slow_misses_the_oldest_and_the_call_counts_it() {
    run(async {
        let stage = Stage::new();
        let phone = stage.talk().await;
        stage.log.behind.store(1_000_000, SeqCst);
        for number in 0..80 {
            phone.speak(number).await;
        }
        // What is typed comes after the frames, on the same line.
        phone.send(CarrierEvent::Typed("hello".to_owned())).await;
        stage.log.until(|seen| matches!(seen, Seen::Message(_))).await;
        assert_eq!(stage.log.count(to_agent), 0);
        stage.log.behind.store(0, SeqCst);
        phone.speak(80).await;
        stage.log.until_seen(50, to_agent).await;
        let heard: Vec<u8> = stage.log.voice().iter().map(|audio| audio.data[0]).collect();
        assert_eq!(heard, (31..=80).collect::<Vec<u8>>());
        phone.handle.leave(Outcome::Ended(CallEnd::Canceled));
        assert_eq!(phone.handle.finished().await, Outcome::Ended(CallEnd::Canceled));
        let usage = stage.log.seen().iter().find_map(|seen| match seen {
            Seen::Recorded(_, usage) => Some(usage.clone()),
            _ => None,
        });
        let usage = usage.expect("it is in the record");
        assert_eq!((usage.dropped_in, usage.audio_in_millis), (31, 1_000));
    });
}

#[test]
fn sides_that_speak_different_formats_are_transcoded() {
    run(async {
        let stage = Stage::new();
        let phone = stage.ring();
        stage.pick_up(AudioFormat::Pcm16 { hz: 16_000 }).await;
        phone.speak(7).await;
        stage.log.until(to_agent).await;
        assert_eq!(stage.log.voice()[0].data.len(), 640);
        stage.agent(AgentEvent::Audio { event: 1, audio: stage.log.voice()[0].clone() }).await;
        stage.log.until(|seen| *seen == Seen::ToContact(frame(7))).await;
    });
}

#[test]
fn a_format_nobody_can_make_is_a_refusal() {
    run(async {
        let stage = Stage::new();
        let phone = stage.ring();
        stage.log.until(|seen| matches!(seen, Seen::Dialled(_))).await;
        let format = AudioFormat::Pcm16 { hz: 44_100 };
        stage
            .agent(AgentEvent::Ready { conversation: "conv".to_owned(), input: format, output: format })
            .await;
        assert!(matches!(phone.handle.finished().await, Outcome::HandedOver(_)));
        assert_eq!(stage.log.count(|seen| matches!(seen, Seen::Dialled(_))), 1);
    });
}

#[test]
fn a_mark_follows_every_quarter_of_a_second_and_the_end() {
    run(async {
        let stage = Stage::new();
        let _phone = stage.talk().await;
        stage.agent_says(1, "Hello.", 30).await;
        assert_eq!(stage.log.count(|seen| matches!(seen, Seen::Mark(_))), 2);
        stage.world.clock.advance(200);
        stage.log.until_seen(3, |seen| matches!(seen, Seen::Mark(_))).await;
    });
}
