//! A telephone line: what the handset says and what it hears, 20 ms at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use actix_web::web::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::recorder::Recorder;
use crate::speech::{Ear, Phrase, PhraseBook, Sound, g711};

/// A frame of telephone audio.
pub(crate) type Frame = [u8; g711::FRAME];

/// Frames a listener may lag behind before frames are lost to it: a minute.
pub(crate) const TAP_FRAMES: usize = 3_000;
/// Audio that waits to be played at most: ten minutes. A server that sends more is beyond help.
const MAX_WAITING: usize = 8_000 * 600;

/// What a listener on the line is told.
#[derive(Debug, Clone)]
pub(crate) enum Tapped {
    /// The handset's voice.
    Inbound(Frame),
    /// What the handset heard at the same time.
    Outbound(Frame),
    /// A mark was reached.
    Mark(String),
    /// A key was pressed.
    Digit(char),
}

/// What is played to the handset, in order.
enum Playing {
    Sound {
        bytes: Bytes,
        at: usize,
    },
    Mark(String),
    /// Somebody waits for everything before this.
    Told(oneshot::Sender<()>),
}

/// What the handset says.
struct Saying {
    text: String,
    bytes: Vec<u8>,
    at: usize,
}

/// What 20 ms brought.
pub(crate) struct Tick {
    pub(crate) said: Frame,
    pub(crate) played: Frame,
    /// Texts the handset has begun to say.
    pub(crate) begun: Vec<String>,
    /// Texts the handset has said to the end.
    pub(crate) spoken: Vec<String>,
    /// What the handset heard.
    pub(crate) heard: Vec<Sound>,
    /// What the vendor's recogniser heard of the handset.
    pub(crate) recognised: Vec<Sound>,
}

/// One line.
#[derive(Default)]
pub(crate) struct Line {
    mouth: VecDeque<Saying>,
    playback: VecDeque<Playing>,
    waiting: usize,
    handset: Ear,
    /// The vendor's recogniser, while somebody wants it.
    recogniser: Option<Ear>,
    taps: Vec<mpsc::Sender<Tapped>>,
    /// Frames that a listener was too slow for.
    pub(crate) overflowed: u64,
    pub(crate) recorder: Option<Recorder>,
    /// A fault keeps the line's media stream from reading until then.
    pub(crate) stalled_until: Option<Instant>,
}

impl Line {
    /// The handset says a phrase after what it is saying.
    pub(crate) fn say(&mut self, phrase: &Phrase) {
        self.sound(&phrase.text, &g711::encode_all(&phrase.sound(g711::HZ)));
    }

    /// The handset makes a sound that is no words; `text` names it in the log.
    pub(crate) fn sound(&mut self, text: &str, bytes: &[u8]) {
        self.mouth.push_back(Saying { text: text.to_owned(), bytes: bytes.to_vec(), at: 0 });
    }

    /// The handset stops talking.
    pub(crate) fn hush(&mut self) {
        self.mouth.clear();
    }

    /// Plays telephone audio after what waits. `false` when far too much waits already.
    pub(crate) fn play(&mut self, bytes: Bytes) -> bool {
        if self.waiting + bytes.len() > MAX_WAITING {
            return false;
        }
        self.waiting += bytes.len();
        self.playback.push_back(Playing::Sound { bytes, at: 0 });
        true
    }

    /// Milliseconds of audio that wait to be played.
    pub(crate) const fn waiting_ms(&self) -> usize {
        self.waiting / 8
    }

    /// Sets a mark; `Some` when nothing is before it, so that it is reached at once.
    pub(crate) fn mark(&mut self, name: String) -> Option<String> {
        if self.playback.is_empty() {
            return Some(name);
        }
        self.playback.push_back(Playing::Mark(name));
        None
    }

    /// Resolves when everything that waits now has been played, or is an error when it was thrown away.
    pub(crate) fn played(&mut self) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        self.playback.push_back(Playing::Told(tell));
        told
    }

    /// Throws away what waits; the marks in it come back.
    pub(crate) fn clear(&mut self) -> Vec<String> {
        self.waiting = 0;
        let marks = self.playback.drain(..).filter_map(|playing| match playing {
            Playing::Mark(name) => Some(name),
            Playing::Sound { .. } | Playing::Told(_) => None,
        });
        marks.collect()
    }

    /// Lets somebody listen.
    pub(crate) fn tap(&mut self) -> mpsc::Receiver<Tapped> {
        let (tap, tapped) = mpsc::channel(TAP_FRAMES);
        self.taps.push(tap);
        tapped
    }

    /// Switches the vendor's recogniser of the handset's voice on or off.
    pub(crate) fn recognise(&mut self, on: bool) {
        self.recogniser = on.then(Ear::default);
    }

    /// Passes something on to everybody who listens.
    pub(crate) fn tell(&mut self, news: &Tapped) {
        let overflowed = &mut self.overflowed;
        self.taps.retain(|tap| match tap.try_send(news.clone()) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                *overflowed += 1;
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
    }

    /// The next 20 ms.
    pub(crate) fn tick(&mut self, book: &PhraseBook) -> Tick {
        let (said, begun, spoken) = self.take_said();
        let (played, marks) = self.take_played();
        let heard = self.handset.hear(&g711::decode_all(&played), book);
        let recognised = self.recogniser.as_mut().map(|ear| ear.hear(&g711::decode_all(&said), book));
        if let Some(recorder) = &mut self.recorder {
            recorder.take(&said, &played);
        }
        if !self.taps.is_empty() {
            self.tell(&Tapped::Inbound(said));
            self.tell(&Tapped::Outbound(played));
            for mark in &marks {
                self.tell(&Tapped::Mark(mark.clone()));
            }
        }
        Tick { said, played, begun, spoken, heard, recognised: recognised.unwrap_or_default() }
    }

    /// Ends the line: what the handset was hearing is over.
    pub(crate) fn close(&mut self) -> Option<Sound> {
        self.taps.clear();
        self.clear();
        self.handset.close().map(Sound::Heard)
    }

    fn take_said(&mut self) -> (Frame, Vec<String>, Vec<String>) {
        let (mut frame, mut filled) = ([g711::SILENCE; g711::FRAME], 0);
        let (mut begun, mut spoken) = (Vec::new(), Vec::new());
        while filled < g711::FRAME
            && let Some(saying) = self.mouth.front_mut()
        {
            if saying.at == 0 {
                begun.push(saying.text.clone());
            }
            let rest = &saying.bytes[saying.at..];
            let count = rest.len().min(g711::FRAME - filled);
            frame[filled..filled + count].copy_from_slice(&rest[..count]);
            filled += count;
            saying.at += count;
            if saying.at == saying.bytes.len() {
                spoken.extend(self.mouth.pop_front().map(|saying| saying.text));
            }
        }
        (frame, begun, spoken)
    }

    fn take_played(&mut self) -> (Frame, Vec<String>) {
        let (mut frame, mut filled) = ([g711::SILENCE; g711::FRAME], 0);
        let mut marks = Vec::new();
        // What stands behind the last sample of a frame is reached when the frame has been played: with the next one.
        while filled < g711::FRAME
            && let Some(playing) = self.playback.pop_front()
        {
            match playing {
                Playing::Mark(name) => marks.push(name),
                // Whoever waited may have gone.
                Playing::Told(tell) => drop(tell.send(())),
                Playing::Sound { bytes, at } => {
                    let count = (bytes.len() - at).min(g711::FRAME - filled);
                    frame[filled..filled + count].copy_from_slice(&bytes[at..at + count]);
                    filled += count;
                    self.waiting -= count;
                    if at + count < bytes.len() {
                        self.playback.push_front(Playing::Sound { bytes, at: at + count });
                    }
                }
            }
        }
        (frame, marks)
    }
}

/// A phrase as telephone audio.
pub(crate) fn telephone(phrase: &Arc<Phrase>) -> Bytes {
    g711::encode_all(&phrase.sound(g711::HZ)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::SpeechVoice;

    fn line() -> (Line, PhraseBook) {
        (Line::default(), PhraseBook::new(SpeechVoice::Tone))
    }

    #[test]
    fn a_mark_comes_back_when_the_audio_before_it_was_played_and_not_earlier() {
        let (mut line, book) = line();
        assert_eq!(line.mark("at once".into()).as_deref(), Some("at once"));
        line.play(Bytes::from(vec![1; 320]));
        assert_eq!(line.mark("after two frames".into()), None);
        line.play(Bytes::from(vec![2; 80]));
        let mut tapped = line.tap();
        let mut marks = || {
            let mut marks = Vec::new();
            while let Ok(news) = tapped.try_recv() {
                marks.extend(if let Tapped::Mark(name) = news { Some(name) } else { None });
            }
            marks
        };
        for _ in 0..2 {
            assert_eq!(line.tick(&book).played, [1; 160]);
            assert!(marks().is_empty());
        }
        let third = line.tick(&book);
        assert_eq!(marks(), ["after two frames"]);
        assert_eq!((third.played[79], third.played[80]), (2, g711::SILENCE));
    }

    #[test]
    fn a_clear_throws_audio_away_and_gives_the_marks_back() {
        let (mut line, book) = line();
        line.play(Bytes::from(vec![1; 1_600]));
        line.mark("first".into());
        let mut waiting = line.played();
        line.mark("second".into());
        assert_eq!(line.clear(), ["first", "second"]);
        assert!(waiting.try_recv().is_err());
        assert_eq!(line.tick(&book).played, [g711::SILENCE; 160]);
        assert_eq!(line.waiting_ms(), 0);
    }

    #[test]
    fn a_listener_that_is_too_slow_loses_frames_and_that_is_counted() {
        let (mut line, book) = line();
        let tapped = line.tap();
        for _ in 0..TAP_FRAMES / 2 {
            line.tick(&book);
        }
        assert_eq!(line.overflowed, 0);
        line.tick(&book);
        assert_eq!(line.overflowed, 2);
        drop(tapped);
    }
}
