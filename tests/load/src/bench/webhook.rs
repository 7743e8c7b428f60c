//! P7: a signed SMS webhook, verified, deduplicated, durable, answered; beside a raw actix hello world.

use std::sync::Arc;

use anyhow::Result;
use usher_testkit::twilio::{Account, message_sid};

use super::Size;
use super::product::Product;
use crate::child::Serving;
use crate::drive::{Requests, pace, saturate};
use crate::http::{get, post};
use crate::report::{Figure, Report};
use crate::stats::{median, number};

const CONNECTIONS: u64 = 64;
/// The rate at which the latency is quoted.
const STEADY: u64 = 2_000;

/// Texts from `phones`, in turns, each with a SID of its own.
pub fn texts(port: u16, account: &Account, phones: Vec<String>) -> Requests {
    let account = account.clone();
    let path = url::Url::parse(&account.sms_url).map_or_else(|_| "/".to_owned(), |url| url.path().to_owned());
    Arc::new(move |number| {
        let at = usize::try_from(number).unwrap_or(0) % phones.len();
        let form = account.text_from(&phones[at], &message_sid(number), "It is a long story, honestly");
        let (body, signature) = account.signed(&form);
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", signature.as_str()),
        ];
        post(port, &path, &headers, &body)
    })
}

/// Measures product and reference in turns.
///
/// # Errors
/// When either gives a wrong answer.
pub async fn signed_sms(size: Size, report: &mut Report) -> Result<()> {
    let hello = Serving::reference("hello").await?;
    let hello_port = hello.port;
    let hellos: Requests = Arc::new(move |_| get(hello_port, "/"));
    let product = Product::start().await?;
    let phones = vec![product.server.ready().client.phone.clone()];
    let texts = texts(product.port, &product.account, phones);

    let (mut ours, mut raw, mut wall) = (Vec::new(), Vec::new(), Vec::new());
    let mut first = 1;
    for _ in 0..size.rounds {
        let cpu = hello.cpu_seconds()?;
        let run = saturate(hello.port, CONNECTIONS, 0, size.requests * 4, Arc::clone(&hellos)).await?;
        raw.push(number(run.answered) / (hello.cpu_seconds()? - cpu));

        let cpu = product.cpu_seconds()?;
        let run = saturate(product.port, CONNECTIONS, first, size.requests, Arc::clone(&texts)).await?;
        ours.push(number(run.answered) / (product.cpu_seconds()? - cpu));
        wall.push(run.rate());
        first += size.requests;
    }
    let steady = pace(product.port, CONNECTIONS, first, STEADY, size.seconds, texts).await?;
    report.add(
        "P7",
        Figure::rate("signed SMS webhook, durable", median(&ours), median(&raw), "per CPU-second")
            .bounds(0.05, 0.12)
            .with("requests per second of wall time", median(&wall))
            .with("p99 in ms at 2,000 per second (goal 50)", steady.p99()),
    );
    product.server.stop().await
}
