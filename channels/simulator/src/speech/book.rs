//! The phrase book: what the numbers in the bursts stand for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use super::voice::{self, Phrase, SpeechVoice};
use crate::sim::lock;

/// Samples kept of all phrases together; the oldest are forgotten first.
const MAX_WEIGHT: usize = 32 * 1024 * 1024;

/// Every phrase of the simulator. The same words are the same phrase.
pub(crate) struct PhraseBook {
    voice: SpeechVoice,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    last: u32,
    weight: usize,
    by_text: HashMap<Arc<str>, u32>,
    by_number: HashMap<u32, (Arc<str>, Arc<Phrase>)>,
    oldest: VecDeque<u32>,
}

impl PhraseBook {
    pub(crate) fn new(voice: SpeechVoice) -> Self {
        Self { voice, pages: Mutex::default() }
    }

    /// The phrase with these words, spoken for the first time when it must be.
    pub(crate) async fn phrase(&self, text: &str) -> Arc<Phrase> {
        let text = text.trim();
        let number = {
            let mut pages = lock(&self.pages);
            if let Some(known) = pages.by_text.get(text).and_then(|number| pages.by_number.get(number)) {
                return Arc::clone(&known.1);
            }
            pages.last = (pages.last + 1) & 0x00FF_FFFF;
            pages.last
        };
        let spoken = match self.voice {
            SpeechVoice::Natural => voice::spoken(number, text).await,
            SpeechVoice::Tone => None,
        };
        let phrase = Arc::new(spoken.unwrap_or_else(|| Phrase::tone(number, text)));
        lock(&self.pages).add(text, Arc::clone(&phrase));
        phrase
    }

    /// What a number stands for.
    pub(crate) fn find(&self, number: u32) -> Option<Arc<Phrase>> {
        lock(&self.pages).by_number.get(&number).map(|(_, phrase)| Arc::clone(phrase))
    }
}

impl Pages {
    fn add(&mut self, text: &str, phrase: Arc<Phrase>) {
        let text: Arc<str> = text.into();
        self.weight += phrase.weight();
        self.oldest.push_back(phrase.number);
        self.by_text.insert(Arc::clone(&text), phrase.number);
        self.by_number.insert(phrase.number, (text, phrase));
        while self.weight > MAX_WEIGHT
            && let Some(oldest) = self.oldest.pop_front()
        {
            if let Some((text, phrase)) = self.by_number.remove(&oldest) {
                self.weight -= phrase.weight();
                if self.by_text.get(&text) == Some(&oldest) {
                    self.by_text.remove(&text);
                }
            }
        }
    }
}
