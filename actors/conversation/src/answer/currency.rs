//! Amounts of money: `$1,200.50`, `1200 bucks`, `5k`, `USD 40`, `twenty euros`, `99 cents`.

use std::ops::Range;

use super::number::{self, numeral};
use super::words::{Word, small_number, words};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause};

/// Amounts beyond this are slips of the finger, and their minor units would not count exactly.
const LARGEST: f64 = 1e13;

/// An amount found in a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Amount {
    major: f64,
    currency: &'static str,
    /// A sign, code or word said which currency.
    pub(super) marked: bool,
    pub(super) at: Range<usize>,
}

impl Amount {
    /// The amount as an answer, if it is within the field's limits.
    pub(super) fn check(&self, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
        if self.major.abs() > LARGEST {
            return Err(Cause::TooLarge { max: number::plain(ctx.validation.max.unwrap_or(LARGEST)) });
        }
        let major = number::check(self.major, ctx)?;
        Ok(AnswerValue::Currency {
            minor: to_minor(major, self.currency),
            currency: self.currency.to_owned(),
        })
    }
}

pub(super) fn parse(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let mut amounts = find(text, ctx);
    if amounts.iter().any(|amount| amount.marked) {
        amounts.retain(|amount| amount.marked);
    }
    if let [amount] = &mut amounts[..]
        && number::is_mil_or_million(&words(text), ctx.region)
    {
        let millions = Amount { major: amount.major * 1e3, ..amount.clone() };
        amounts.push(millions);
    }
    if let Some(readings) = said_in_short(text, ctx) {
        return Err(Cause::Ambiguous { readings });
    }
    match &amounts[..] {
        [amount] => amount.check(ctx),
        [] => Err(Cause::NotRecognised),
        many => Err(Cause::Ambiguous {
            readings: many
                .iter()
                .filter_map(|amount| Some(amount.check(ctx).ok()?.display(&[], "en")))
                .collect(),
        }),
    }
}

/// "Nineteen ninety nine", "seven fifty": with cents or in hundreds, as a price or a budget would be meant.
fn said_in_short(text: &str, ctx: &ParseContext<'_>) -> Option<Vec<String>> {
    let mut words = words(text);
    // "twenty five fifty dollars"
    words.pop_if(|last| last.is_any(&["dollars", "bucks", "dolares"]));
    let (major, used) = small_number(&words, 0).filter(|(major, _)| (1..100).contains(major))?;
    let (minor, more) = small_number(&words, used).filter(|(minor, _)| (10..100).contains(minor))?;
    let said = used + more == words.len() && words.iter().all(|word| word.is_letters() || word.is("-"));
    let reading = |amount: f64| {
        let amount = Amount { major: amount, currency: of_region(ctx.region), marked: false, at: 0..0 };
        Some(amount.check(ctx).ok()?.display(&[], "en"))
    };
    let (major, minor) = (f64::from(major), f64::from(minor));
    said.then(|| [major + minor / 100.0, major * 100.0 + minor].into_iter().filter_map(reading).collect())
}

/// Every amount in a message, each once.
pub(super) fn find(text: &str, ctx: &ParseContext<'_>) -> Vec<Amount> {
    let words = words(text);
    if number::has_none(&words) {
        return Vec::new();
    }
    let mut amounts: Vec<Amount> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let Some((mut amount, next)) = amount(&words, at, ctx.region) else {
            at += 1;
            continue;
        };
        // "$500-1000": the sign before a range is that of both ends.
        if let Some(first) = amounts.last().filter(|first| first.marked && !amount.marked)
            && at > 0
            && words[at - 1].is_any(&["-", "to", "or", "a"])
            && first.at.end == words[at - 1].at.start - usize::from(!words[at - 1].glued)
        {
            (amount.currency, amount.marked) = (first.currency, true);
        }
        let same = |other: &Amount| {
            other.major.to_bits() == amount.major.to_bits() && other.currency == amount.currency
        };
        if !amounts.iter().any(same) {
            amounts.push(amount);
        }
        at = next;
    }
    amounts
}

/// The amount that begins at `at`, with its cents ("5 dollars and 20 cents").
fn amount(words: &[Word], at: usize, region: &str) -> Option<(Amount, usize)> {
    let (mut amount, mut next, minor) = part(words, at, region)?;
    let and = usize::from(words.get(next).is_some_and(|word| word.is_any(&["and", "con", "y"])));
    if amount.marked
        && !minor
        && let Some((cents, after, true)) = part(words, next + and, region)
    {
        amount.major += cents.major;
        amount.at.end = cents.at.end;
        next = after;
    } else if let Some((cents, after)) = bare_cents(words, next).filter(|_| amount.marked && !minor) {
        amount.major += f64::from(cents) / 100.0;
        amount.at.end = words[after - 1].at.end;
        next = after;
    }
    Some((amount, next))
}

/// "five pounds fifty": a number of cents that ends the message, in words.
fn bare_cents(words: &[Word], at: usize) -> Option<(u32, usize)> {
    let named = at > 0 && words[at - 1].is_letters() && words.get(at).is_some_and(Word::is_letters);
    let (cents, used) = small_number(words, at).filter(|(cents, _)| named && (10..100).contains(cents))?;
    (at + used == words.len()).then_some((cents, at + used))
}

/// A number with the mark before or behind it: the amount, the index after it, and whether the mark meant cents.
fn part(words: &[Word], at: usize, region: &str) -> Option<(Amount, usize, bool)> {
    let negative = words.get(at)?.is("-") && mark(words, at + 1, region).is_some();
    let start = at + usize::from(negative);
    let before = mark(words, start, region);
    let from = before.as_ref().map_or(start, |mark| mark.next);
    let one = words[start].is_any(&["a", "one"]) && before.is_none();
    let unit = mark(words, start + 1, region).filter(|mark| one && !mark.minor).map(|_| (1.0, start + 1));
    let (mut value, mut next) = unit.or_else(|| numeral(words, from, region))?;
    let counts = [
        "%",
        "percent",
        "pct",
        "months",
        "weeks",
        "years",
        "days",
        "meses",
        "semanas",
        "people",
        "employees",
    ];
    if before.is_none() && words.get(next).is_some_and(|share| share.is_any(&counts)) {
        return None;
    }
    if words.get(next).is_some_and(|thousands| thousands.glued && thousands.is("g")) {
        (value, next) = (value * 1e3, next + 1);
    }
    let mut found = before;
    if found.is_none()
        && let Some(behind) = mark(words, next, region)
    {
        next = behind.next;
        found = Some(behind);
    } else if let Some(again) = mark(words, next, region) {
        // "$40 USD": the word after the number is the more exact one.
        next = again.next;
        found = Some(Mark { next, ..again });
    }
    let minor = found.as_ref().is_some_and(|mark| mark.minor);
    let currency = found.as_ref().map_or_else(|| of_region(region), |mark| mark.currency);
    let value = if minor { value / 100.0 } else { value };
    let major = if negative { -value } else { value };
    let place = words[at].at.start..words[next - 1].at.end;
    Some((Amount { major, currency, marked: found.is_some(), at: place }, next, minor))
}

struct Mark {
    currency: &'static str,
    minor: bool,
    next: usize,
}

fn mark(words: &[Word], at: usize, region: &str) -> Option<Mark> {
    let word = words.get(at)?;
    let dollar_follows = words.get(at + 1).is_some_and(|next| next.is("$") && next.glued);
    if dollar_follows {
        let currency = match word.text.as_str() {
            "us" => "USD",
            "c" | "ca" => "CAD",
            "a" | "au" => "AUD",
            "nz" => "NZD",
            "mx" => "MXN",
            "r" => "BRL",
            _ => return None,
        };
        return Some(Mark { currency, minor: false, next: at + 2 });
    }
    if let Some(currency) = words.get(at + 1).and_then(|unit| of_nation(&word.text, &unit.text)) {
        return Some(Mark { currency, minor: false, next: at + 2 });
    }
    let (currency, minor) = match word.text.as_str() {
        "$" | "dollar" | "dollars" | "buck" | "bucks" | "dolar" | "dolares" => (dollar_of(region), false),
        "usd" => ("USD", false),
        "\u{a2}" | "cent" | "cents" | "centavos" | "centimos" => (of_region(region), true),
        "€" | "euro" | "euros" | "eur" => ("EUR", false),
        "£" | "quid" | "gbp" | "sterling" => ("GBP", false),
        "pound" | "pounds" if region != "US" || !words.get(at + 1).is_some_and(|next| next.is("of")) => {
            ("GBP", false)
        }
        "pence" | "penny" => ("GBP", true),
        "p" if region == "GB" && at > 0 => ("GBP", true),
        "¥" | "yen" | "jpy" => ("JPY", false),
        "₹" | "rupee" | "rupees" | "inr" => ("INR", false),
        "peso" | "pesos" => (if of_region(region) == "USD" { "MXN" } else { of_region(region) }, false),
        "mxn" => ("MXN", false),
        "cad" => ("CAD", false),
        "aud" => ("AUD", false),
        "nzd" => ("NZD", false),
        "chf" | "francs" => ("CHF", false),
        "sek" => ("SEK", false),
        "nok" => ("NOK", false),
        "dkk" => ("DKK", false),
        "brl" | "reais" => ("BRL", false),
        "zar" | "rand" => ("ZAR", false),
        _ => return None,
    };
    Some(Mark { currency, minor, next: at + 1 })
}

/// "canadian dollars", "mexican pesos"
fn of_nation(nation: &str, unit: &str) -> Option<&'static str> {
    let currency = match nation {
        "us" | "american" => "USD",
        "canadian" => "CAD",
        "australian" => "AUD",
        "mexican" => "MXN",
        "swiss" => "CHF",
        "british" => "GBP",
        _ => return None,
    };
    let units = ["dollar", "dollars", "buck", "bucks", "peso", "pesos", "franc", "francs", "pound", "pounds"];
    units.contains(&unit).then_some(currency)
}

/// What "$" means in a region.
fn dollar_of(region: &str) -> &'static str {
    match region {
        "CA" | "AU" | "NZ" | "SG" | "HK" | "MX" => of_region(region),
        _ => "USD",
    }
}

/// The currency of a region; US dollars where we do not know.
fn of_region(region: &str) -> &'static str {
    match region {
        "CA" => "CAD",
        "AU" => "AUD",
        "NZ" => "NZD",
        "SG" => "SGD",
        "HK" => "HKD",
        "MX" => "MXN",
        "GB" => "GBP",
        "IN" => "INR",
        "JP" => "JPY",
        "CH" => "CHF",
        "SE" => "SEK",
        "NO" => "NOK",
        "DK" => "DKK",
        "BR" => "BRL",
        "ZA" => "ZAR",
        "CO" => "COP",
        "AR" => "ARS",
        "CL" => "CLP",
        "PL" => "PLN",
        "DE" | "AT" | "FR" | "ES" | "IT" | "PT" | "NL" | "BE" | "IE" | "FI" | "GR" | "LU" | "EE" | "LV"
        | "LT" | "SK" | "SI" | "HR" | "MT" | "CY" => "EUR",
        _ => "USD",
    }
}

/// How many decimals a currency has.
fn exponent(currency: &str) -> i32 {
    match currency {
        "JPY" | "KRW" | "CLP" | "VND" => 0,
        "KWD" | "BHD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

fn to_minor(major: f64, currency: &str) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "amounts are bounded by LARGEST, far inside i64")]
    let minor = (major * 10f64.powi(exponent(currency))).round() as i64;
    minor
}

/// Minor units in major ones, as limits and conditions compare them.
pub(super) fn to_major(minor: i64, currency: &str) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "answers are bounded by LARGEST; beyond it only the order counts"
    )]
    let minor = minor as f64;
    minor / 10f64.powi(exponent(currency))
}

/// `$1,200.50`, `€20`, `1,200 CHF`: whole amounts without decimals.
pub(super) fn display(minor: i64, currency: &str) -> String {
    let decimals = exponent(currency).unsigned_abs();
    let unit = 10_u64.pow(decimals);
    let (whole, part) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    let mut amount = grouped(whole);
    if part > 0 {
        amount = format!("{amount}.{part:0width$}", width = decimals as usize);
    }
    let sign = if minor < 0 { "-" } else { "" };
    match currency {
        "USD" => format!("{sign}${amount}"),
        "EUR" => format!("{sign}€{amount}"),
        "GBP" => format!("{sign}£{amount}"),
        "JPY" => format!("{sign}¥{amount}"),
        "INR" => format!("{sign}₹{amount}"),
        other => format!("{sign}{amount} {other}"),
    }
}

fn grouped(whole: u64) -> String {
    let digits = whole.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Whether the text is an ISO 4217 code in form.
pub(super) fn is_code(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())
}
