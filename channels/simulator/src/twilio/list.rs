//! The list of messages: filters and pages.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::params::Params;
use super::problem::Problem;
use super::resource;
use crate::world::{Message, World};

const DEFAULT_PAGE: usize = 50;
const MAX_PAGE: usize = 1000;
const DAY_MILLIS: i64 = 86_400_000;

/// One page, newest first.
pub(crate) fn page(world: &World, account: &str, params: &Params) -> Result<Value, Problem> {
    let filter = Filter::of(params)?;
    let size = match params.get("PageSize") {
        None => DEFAULT_PAGE,
        Some(size) => {
            let size = size.parse::<usize>().ok().filter(|size| *size > 0);
            size.ok_or_else(|| Problem::invalid(20001, "PageSize must be a positive number"))?.min(MAX_PAGE)
        }
    };
    let number = params.get("Page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(0);
    let messages: Vec<&Message> = world
        .messages()
        .rev()
        .filter(|message| message.account_sid == account && filter.takes(message))
        .collect();
    // A page starts after the last message of the one before it (`PA`), or ends before the first of the one after it
    // (`PB`), however many have arrived since.
    let token = params.get("PageToken");
    let place = |sid: &str| messages.iter().position(|message| message.sid == sid).unwrap_or(messages.len());
    let span = if let Some(sid) = token.and_then(|token| token.strip_prefix("PA")) {
        let start = (place(sid) + 1).min(messages.len());
        start..messages.len().min(start + size)
    } else if let Some(sid) = token.and_then(|token| token.strip_prefix("PB")) {
        let end = place(sid);
        end.saturating_sub(size)..end
    } else {
        0..messages.len().min(size)
    };
    let (newer, older) = (span.start > 0, span.end < messages.len());
    let found = &messages[span];
    let base = format!("/2010-04-01/Accounts/{account}/Messages.json");
    let uri = |page: usize, token: Option<&str>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for name in Filter::NAMES {
            if let Some(value) = params.get(name) {
                query.append_pair(name, value);
            }
        }
        query.append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
        if let Some(token) = token {
            query.append_pair("PageToken", token);
        }
        format!("{base}?{}", query.finish())
    };
    let next = found.last().filter(|_| older).map(|last| uri(number + 1, Some(&format!("PA{}", last.sid))));
    let previous = found
        .first()
        .filter(|_| newer)
        .map(|first| uri(number.saturating_sub(1), Some(&format!("PB{}", first.sid))));
    Ok(json!({
        "messages": found.iter().map(|message| resource::message(message)).collect::<Vec<_>>(),
        "page": number,
        "page_size": size,
        "start": number * size,
        "end": (number * size + found.len()).saturating_sub(1),
        "first_page_uri": uri(0, None),
        "next_page_uri": next,
        "previous_page_uri": previous,
        "uri": uri(number, token),
    }))
}

struct Filter<'p> {
    to: Option<&'p str>,
    from: Option<&'p str>,
    /// Sent in this half-open span, in milliseconds.
    sent: Option<(i64, i64)>,
}

impl<'p> Filter<'p> {
    const NAMES: [&'static str; 5] = ["To", "From", "DateSent", "DateSent<", "DateSent>"];

    fn of(params: &'p Params) -> Result<Self, Problem> {
        // "Sent on" is a day, also where a library writes its midnight.
        let on =
            params.get("DateSent").map(|text| span(text.split('T').next().unwrap_or(text))).transpose()?;
        let until = params.get("DateSent<").map(span).transpose()?;
        let since = params.get("DateSent>").map(span).transpose()?;
        let sent = on.or(match (since, until) {
            (None, None) => None,
            (since, until) => {
                Some((since.map_or(i64::MIN, |(start, _)| start), until.map_or(i64::MAX, |(_, end)| end)))
            }
        });
        Ok(Self { to: params.get("To"), from: params.get("From"), sent })
    }

    fn takes(&self, message: &Message) -> bool {
        self.to.is_none_or(|to| message.to == to)
            && self.from.is_none_or(|from| message.from.as_deref() == Some(from))
            && self.sent.is_none_or(|(start, end)| message.sent.is_some_and(|at| (start..end).contains(&at)))
    }
}

/// A day, or the second that an instant names.
fn span(text: &str) -> Result<(i64, i64), Problem> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok((at.as_millisecond(), at.as_millisecond() + 1_000));
    }
    let day = text.parse::<Date>().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    let start = day.ok_or_else(|| Problem::invalid(20001, format!("{text} is not a date")))?;
    let start = start.timestamp().as_millisecond();
    Ok((start, start + DAY_MILLIS))
}
