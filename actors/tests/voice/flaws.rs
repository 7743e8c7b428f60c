//! Promises of the bridge, each with a world that breaks it on purpose: the same check must notice.

use usher_actors::voice::Switchboard;

use crate::stage::{Seen, Stage, run};

/// Frames the agent heard before one that was spoken earlier.
async fn overtaken(spoken: &[u8]) -> usize {
    let stage = Stage::new();
    let phone = stage.talk().await;
    for number in spoken {
        phone.speak(*number).await;
    }
    stage.log.until_seen(spoken.len(), |seen| matches!(seen, Seen::ToAgent(_))).await;
    let heard: Vec<u8> = stage.log.voice().iter().map(|audio| audio.data[0]).collect();
    heard.windows(2).filter(|pair| pair[0] >= pair[1]).count()
}

#[test]
fn the_callers_frames_reach_the_agent_in_their_order() {
    run(async { assert_eq!(overtaken(&(0..40).collect::<Vec<u8>>()).await, 0) });
}

#[test]
fn frames_that_overtake_each_other_are_noticed() {
    run(async { assert_eq!(overtaken(&[0, 2, 1, 3]).await, 1) });
}

/// How many of three calls at once would be put through to an agent.
fn put_through(board: &Switchboard, stage: &Stage) -> usize {
    let lines: Vec<_> = (1..=3).filter_map(|call| board.admit(&stage.call_ref(call, 0), None).ok()).collect();
    lines.len()
}

#[test]
fn no_more_agents_are_dialled_than_there_are_lines() {
    run(async { assert_eq!(put_through(&Switchboard::new(2, 3), &Stage::new()), 2) });
}

#[test]
fn a_switchboard_without_a_cap_puts_everybody_through() {
    run(async { assert_eq!(put_through(&Switchboard::new(usize::MAX, usize::MAX), &Stage::new()), 3) });
}
