//! People who answer whatever is asked, by text and in the widget, and who try again when nobody answers them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval};
use usher_testkit::twilio::{Account, message_sid};
use usher_testkit::{SimulatorClient, WidgetClient};

use crate::audit::Sms;

/// Longer than any run of the usual size: a conversation that is not finished by then is stuck.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks at the page.
const PACE: Duration = Duration::from_millis(25);

/// Keys of inputs that were answered with success.
pub(crate) type Acknowledged = Arc<Mutex<Vec<String>>>;

/// One person.
pub(crate) struct Person {
    pub(crate) phone: String,
    pub(crate) page: WidgetClient,
    pub(crate) handset: SimulatorClient,
    pub(crate) account: Account,
    pub(crate) http: reqwest::Client,
    pub(crate) rng: StdRng,
    pub(crate) acknowledged: Acknowledged,
}

impl Person {
    /// Answers questions until the session says that it is complete.
    pub(crate) async fn converse(mut self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Value::Null;
        while Instant::now() < end {
            pace.tick().await;
            // The server is dead half of the time; a person reloads the page.
            let Ok(answer) = self.page.session().await else { continue };
            if answer.status != 200 {
                continue;
            }
            if is_complete(&answer.body) {
                return Ok(());
            }
            self.answer(&answer.body).await;
            last = answer.body;
        }
        anyhow::bail!("{} never finished; the page says {last}", self.phone)
    }

    async fn answer(&mut self, page: &Value) {
        let question = &page["currentQuestion"];
        let Some(field) = question["field"].as_str() else { return };
        let words = words_for(page, field, question["confirm"].is_object(), self.rng.random());
        match self.rng.random_range(0..4) {
            0 => self.text_through_the_simulator(&words).await,
            1 | 2 => self.text_by_webhook(&words).await,
            _ => self.type_in_the_widget(field, &words).await,
        }
    }

    /// As from a real handset: whether the webhook arrived is between the simulator and the server.
    async fn text_through_the_simulator(&mut self, words: &str) {
        let _ = self.handset.text(&self.phone, &self.account.number, words).await;
    }

    /// The vendor's delivery with its retries: until a 2xx, then perhaps once more, in parallel and late.
    async fn text_by_webhook(&mut self, words: &str) {
        let sid = message_sid(self.rng.random());
        for _ in 0..self.rng.random_range(1..=3) {
            let (first, second) = if self.rng.random_bool(0.3) {
                tokio::join!(self.deliver(&sid, words), self.deliver(&sid, words))
            } else {
                (self.deliver(&sid, words).await, false)
            };
            if first || second {
                self.acknowledge(&sid);
                break;
            }
        }
        if self.rng.random_bool(0.2) {
            // An old message comes again after newer ones.
            let earlier = self.acknowledged.lock().expect("no panic").first().cloned();
            if let Some(earlier) = earlier.filter(|key| key.starts_with("SM")) {
                self.deliver(&earlier, "something else entirely").await;
            }
        }
    }

    async fn deliver(&self, sid: &str, words: &str) -> bool {
        let status = self.account.deliver(&self.http, &self.phone, sid, words).await;
        status.is_ok_and(|status| (200..300).contains(&status))
    }

    /// A page retries with the same key until it knows.
    async fn type_in_the_widget(&mut self, field: &str, words: &str) {
        let key = format!("k-{:032x}", self.rng.random::<u128>());
        for _ in 0..self.rng.random_range(1..=3) {
            match self.page.respond(field, words, &key).await {
                Ok(answer) if answer.status == 200 => {
                    self.acknowledge(&key);
                    return;
                }
                // The question changed in between: the page shows the new one.
                Ok(answer) if (400..500).contains(&answer.status) && answer.status != 429 => return,
                _ => {}
            }
        }
    }

    fn acknowledge(&self, key: &str) {
        self.acknowledged.lock().expect("no panic").push(key.to_owned());
    }
}

/// A session that a person must look at hides that it is complete, but it has nothing left to ask.
fn is_complete(page: &Value) -> bool {
    page["session"]["status"] == "complete"
        || page["currentQuestion"].is_null() && page["session"]["seq"] != 0
}

/// What a person would write for a field of that type; different every time where the type allows.
fn words_for(page: &Value, field: &str, confirming: bool, number: u32) -> String {
    if confirming {
        return "yes".into();
    }
    let fields = page["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let definition = fields.iter().find(|candidate| candidate["id"] == field).unwrap_or(&Value::Null);
    if definition["required"] == false {
        return "skip".into();
    }
    let option = || definition["options"][0]["label"].as_str().unwrap_or("1").to_owned();
    match definition["type"].as_str().unwrap_or("text") {
        "phone" => "(415) 555-2671".into(),
        "email" => format!("dana+{number}@example.com"),
        "url" => format!("https://bakery-{number}.example.com"),
        "number" => (number % 90 + 1).to_string(),
        "currency" => format!("${}", number % 9_000 + 100),
        "date" => "2026-12-24".into(),
        "time" => "14:30".into(),
        "boolean" => if number.is_multiple_of(2) { "yes" } else { "no" }.into(),
        "select" | "multi_select" => option(),
        "person_name" => "Dana Smith".into(),
        "address" => format!("{} Main Street, Springfield, IL 62704", number % 900 + 1),
        "business_hours" => "Mon-Fri 9am-5pm".into(),
        _ => format!("Bright Bakery number {number}"),
    }
}

/// What the vendor took from us.
pub(crate) async fn vendor_log(vendor: &SimulatorClient) -> Result<Vec<Sms>> {
    let mut accepted = Vec::new();
    for message in vendor.messages().await? {
        let text = |name: &str| message[name].as_str().map(str::to_owned);
        if message["direction"] != "inbound" {
            let to = text("to").context("a message has a recipient")?;
            accepted.push(Sms { to, text: text("body").unwrap_or_default() });
        }
    }
    Ok(accepted)
}
