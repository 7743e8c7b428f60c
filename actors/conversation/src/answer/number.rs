//! Numbers: `1,200`, `1.2k`, `1e3`, `twenty five`, `a dozen`, `3 1/2`, `a quarter of a million`, `about 12`.

use super::words::{Word, small_number, tens, unit, words};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause};

/// Beyond this a 64-bit float no longer counts every whole number.
const LARGEST: f64 = 9_007_199_254_740_991.0;

pub(super) fn parse(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let mut words = words(text);
    // "Ten, give or take a couple"
    if let Some(vague) = (1..words.len()).find(|at| super::words::phrase_at(&words, *at, "give or take")) {
        words.truncate(vague);
    }
    if has_none(&words) || is_sum(&words) {
        return Err(Cause::NotRecognised);
    }
    let mut values: Vec<f64> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match numeral(&words, at, ctx.region) {
            Some((value, next)) => {
                if !values.contains(&value) {
                    values.push(value);
                }
                at = next;
            }
            None => at += 1,
        }
    }
    match values[..] {
        [value] if is_mil_or_million(&words, ctx.region) => {
            Err(Cause::Ambiguous { readings: vec![plain(value), plain(value * 1e3)] })
        }
        [value] => check(value + oneself_besides(&words), ctx).map(AnswerValue::Number),
        [] if words.len() == 1
            && words[0].is_any(&["none", "nil", "nobody", "zilch", "nadie", "ninguno", "ninguna"]) =>
        {
            check(0.0, ctx).map(AnswerValue::Number)
        }
        [] if is_oneself(&words) => check(1.0, ctx).map(AnswerValue::Number),
        [] => Err(Cause::NotRecognised),
        _ => Err(Cause::Ambiguous { readings: values.into_iter().map(plain).collect() }),
    }
}

/// "We don't have one yet": the word counts nothing.
pub(super) fn has_none(words: &[Word]) -> bool {
    const COUNTED: [&str; 8] = ["hundred", "thousand", "million", "grand", "k", "dollar", "dollars", "point"];
    let counts = |at: usize| {
        let word = &words[at];
        let next = words
            .get(at + 1)
            .is_some_and(|next| next.is_any(&COUNTED) || small_number(words, at + 1).is_some());
        word.is_number() || (small_number(words, at).is_some() && (!word.is("one") || next))
    };
    words.iter().any(|word| word.is("one"))
        && words.iter().any(|word| word.is_any(&["dont", "not", "no", "havent", "never", "cant"]))
        && !(0..words.len()).any(counts)
}

/// "Me and two others", "me plus 7": the one who speaks counts as well.
fn oneself_besides(words: &[Word]) -> f64 {
    const WITH: [&str; 6] = ["me and", "me plus", "me &", "myself and", "myself plus", "yo y"];
    let with = (0..words.len()).any(|at| {
        let end = super::words::longest_phrase(words, at, &WITH).map(|(_, used)| at + used);
        end.is_some_and(|end| small_number(words, end).is_some())
    });
    if with { 1.0 } else { 0.0 }
}

/// "Just me", "no employees, only myself": one, unless somebody else is named as well.
fn is_oneself(words: &[Word]) -> bool {
    const ALONE: [&str; 10] = [
        "just me",
        "only me",
        "just myself",
        "only myself",
        "me myself and i",
        "one man show",
        "solo yo",
        "yo solo",
        "yo sola",
        "by myself",
    ];
    let end = (0..words.len()).find_map(|at| Some(at + super::words::longest_phrase(words, at, &ALONE)?.1));
    end.is_some_and(|end| !words[end..].iter().any(|word| word.is_any(&["and", "plus", "y", "with", "&"])))
}

/// "2+2", "10^3"
fn is_sum(words: &[Word]) -> bool {
    let sum = |three: &[Word]| {
        three[0].is_number() && three[1].is_any(&["+", "*", "^", "="]) && three[2].is_number()
    };
    words.windows(3).any(sum)
}

/// "2.5 mil" is millions to some and thousands to others, unless the rest is Spanish.
pub(super) fn is_mil_or_million(words: &[Word], region: &str) -> bool {
    const SPANISH: [&str; 8] = ["dolares", "pesos", "unos", "unas", "mas", "como", "al", "de"];
    const ENGLISH: [&str; 12] =
        ["a", "half", "quarter", "one", "two", "three", "four", "five", "six", "seven", "eight", "ten"];
    let counted = |word: &Word| word.is_number() || word.is_any(&ENGLISH);
    let digits_and_mil = words.windows(2).any(|pair| counted(&pair[0]) && pair[1].is("mil"));
    matches!(region, "" | "US" | "CA" | "GB" | "AU" | "NZ" | "IE")
        && digits_and_mil
        && !words.iter().any(|word| word.is_any(&SPANISH))
}

/// Applies the field's limits to a number.
pub(super) fn check(value: f64, ctx: &ParseContext<'_>) -> Result<f64, Cause> {
    let limits = ctx.validation;
    if !value.is_finite() || value.abs() > LARGEST {
        return Err(Cause::TooLarge { max: plain(limits.max.unwrap_or(LARGEST)) });
    }
    if limits.integer && value.fract() != 0.0 {
        return Err(Cause::NotWhole);
    }
    if let Some(min) = limits.min.filter(|min| value < *min) {
        return Err(Cause::TooSmall { min: plain(min) });
    }
    if let Some(max) = limits.max.filter(|max| value > *max) {
        return Err(Cause::TooLarge { max: plain(max) });
    }
    // Not `-0`, which would print a sign nobody wrote.
    Ok(if value == 0.0 { 0.0 } else { value })
}

/// A number as people write it, without a needless fraction.
pub(super) fn plain(value: f64) -> String {
    format!("{value}")
}

/// The number that begins at `at`, and the index after it.
pub(super) fn numeral(words: &[Word], at: usize, region: &str) -> Option<(f64, usize)> {
    let word = words.get(at)?;
    if is_pronoun(words, at) {
        return None;
    }
    if word.is_any(&["minus", "negative", "menos"]) {
        return magnitude(words, at + 1, region).map(|(value, next)| (-value, next));
    }
    if word.is("-") && !(word.glued && (words[at - 1].is_number() || words[at - 1].is_letters())) {
        let follows = words.get(at + 1).is_some_and(|next| next.glued && next.is_number());
        return if follows { magnitude(words, at + 1, region).map(|(v, next)| (-v, next)) } else { None };
    }
    magnitude(words, at, region)
}

/// "the middle one", "this one": which, not how many.
fn is_pronoun(words: &[Word], at: usize) -> bool {
    const BEFORE: [&str; 14] = [
        "the", "this", "that", "which", "other", "another", "middle", "first", "second", "last", "any",
        "each", "every", "right",
    ];
    let counts = words.get(at + 1).is_some_and(|next| multiplier(next).is_some() || next.is("point"));
    words[at].is("one") && at > 0 && words[at - 1].is_any(&BEFORE) && !counts
}

fn magnitude(words: &[Word], at: usize, region: &str) -> Option<(f64, usize)> {
    let word = words.get(at)?;
    let (value, next) = if word.is_number() {
        written(words, at, region)?
    } else if let Some(part) = vulgar(word) {
        (part, at + 1)
    } else if word.is(".") {
        bare_fraction(words, at)?
    } else if word.is("point") {
        words.get(at + 1).and_then(|next| unit(&next.text))?;
        point(words, 0.0, at + 1)
    } else {
        portion(words, at).or_else(|| spelled(words, at))?
    };
    let (value, next) = share(words, value, next).unwrap_or((value, next));
    let (value, next) = and_a_half(words, value, next);
    let (value, next) = scaled(words, value, next);
    let (value, next) = and_a_half(words, value, next);
    // "five figures" counts digits.
    let counts = words.get(next).is_none_or(|word| !word.is_any(&["figure", "figures", "figs", "cifras"]));
    counts.then_some((value, next))
}

/// Digits, perhaps with a fraction behind: `12`, `1/2`, `3 1/2`.
fn written(words: &[Word], at: usize, region: &str) -> Option<(f64, usize)> {
    const CODES: [&str; 6] = ["usd", "eur", "gbp", "cad", "aud", "mxn"];
    let inside_a_word =
        words[at].glued && at > 0 && words[at - 1].is_letters() && !words[at - 1].is_any(&CODES);
    let ordinal = words.get(at + 1).is_some_and(|next| next.glued && next.is_any(&["st", "nd", "rd", "th"]));
    if inside_a_word || ordinal {
        return None;
    }
    if let Some((value, next)) = fraction(words, at) {
        return Some((value, next));
    }
    if let Some(grouped) = spaced_thousands(words, at) {
        return Some(grouped);
    }
    if let Some(oh) = words.get(at + 1).filter(|next| next.glued && next.text.bytes().all(|b| b == b'o')) {
        // "5oo": the letter beside the nought.
        let digits = format!("{}{}", words[at].text, "0".repeat(oh.text.len()));
        return decimal(&digits, region).map(|value| (value, at + 2));
    }
    let whole = decimal(&words[at].text, region)?;
    if let Some(letter) = words.get(at + 1).filter(|next| next.glued && next.is_any(&["e", "x"])) {
        return if letter.is("e") { exponent(words, whole, at + 2) } else { None };
    }
    if let Some(part) = words.get(at + 1).and_then(vulgar) {
        return Some((whole + part, at + 2));
    }
    match fraction(words, at + 1) {
        Some((part, next)) if part < 1.0 && !words[at + 1].glued => Some((whole + part, next)),
        _ => Some((whole, at + 1)),
    }
}

/// The power of ten behind the `e` of `1e3` or `2.5e-1`.
fn exponent(words: &[Word], value: f64, at: usize) -> Option<(f64, usize)> {
    let signed = |sign: &str| words.get(at).is_some_and(|word| word.glued && word.is(sign));
    let minus = signed("-");
    let at = at + usize::from(minus || signed("+"));
    let power = words.get(at).filter(|word| word.glued && word.digits().is_some())?;
    let sign = if minus { "-" } else { "" };
    Some((format!("{value}e{sign}{}", power.text).parse().ok()?, at + 1))
}

/// `½` and its like.
fn vulgar(word: &Word) -> Option<f64> {
    Some(match word.text.as_str() {
        "½" => 0.5,
        "¼" => 0.25,
        "¾" => 0.75,
        "⅓" => 1.0 / 3.0,
        "⅔" => 2.0 / 3.0,
        _ => return None,
    })
}

/// `1 000 000`, `1 234,50`
fn spaced_thousands(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let is_group = |word: &&Word| word.text.len() == 3 && word.digits().is_some() && !word.glued;
    let groups = words[at + 1..].iter().take_while(is_group).count();
    let first = words[at].digits().filter(|first| (1..1000).contains(first))?;
    let rest = &words[at + 1..=at + groups];
    let value = rest
        .iter()
        .filter_map(Word::digits)
        .fold(f64::from(first), |sum, group| sum * 1e3 + f64::from(group));
    let next = at + 1 + groups;
    let with_cents = words.get(next).filter(|last| !last.glued).and_then(|last| {
        let (group, cents) = last.text.split_once([',', '.'])?;
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        (group.len() == 3 && cents.len() <= 2 && digits(group) && digits(cents))
            .then(|| format!("{group}.{cents}").parse::<f64>().ok())
            .flatten()
    });
    match with_cents {
        Some(last) => Some((value * 1e3 + last, next + 1)),
        None => (groups > 0).then_some((value, next)),
    }
}

/// `.99`
fn bare_fraction(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let inside = words[at].glued && at > 0 && !words[at - 1].is_any(&["$", "£", "€", "("]);
    let digits = words.get(at + 1).filter(|next| next.glued && !inside && next.digits().is_some())?;
    Some((format!("0.{}", digits.text).parse().ok()?, at + 2))
}

fn fraction(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let [top, slash, bottom] = words.get(at..at + 3)? else { return None };
    let (top, bottom) = (top.digits()?, bottom.digits()?);
    (slash.is("/") && bottom != 0).then(|| (f64::from(top) / f64::from(bottom), at + 3))
}

/// `half`, `a quarter`, `a dozen`, `half a dozen`, `a couple`, `quarter of a million`.
fn portion(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let article = usize::from(words[at].is_any(&ARTICLES));
    let word = words.get(at + article)?;
    let next = at + article + 1;
    let multiplied = multiplied_at(words, next);
    let value = match word.text.as_str() {
        "half" | "medio" | "media" => 0.5,
        "quarter" | "cuarto" if article == 1 || multiplied.is_some() => 0.25,
        "third" if article == 1 && multiplied.is_some() => 1.0 / 3.0,
        "dozen" | "docena" => 12.0,
        "couple" | "pair" | "par" => 2.0,
        _ => return None,
    };
    Some((value, multiplied.unwrap_or(next)))
}

const ARTICLES: [&str; 4] = ["a", "an", "un", "una"];

/// Where the multiplier stands that a part is of: `million`, `a million`, `of a million`, `de millón`.
fn multiplied_at(words: &[Word], at: usize) -> Option<usize> {
    let of = at + usize::from(words.get(at).is_some_and(|word| word.is_any(&["of", "de"])));
    let article = of + usize::from(words.get(of).is_some_and(|word| word.is_any(&ARTICLES)));
    words.get(article).and_then(multiplier).map(|_| article)
}

/// `three quarters`, `one third`, perhaps of a million: the part that `count` of them are.
fn share(words: &[Word], count: f64, at: usize) -> Option<(f64, usize)> {
    let one = (count - 1.0).abs() < f64::EPSILON;
    let parts = match words.get(at)?.text.as_str() {
        "half" if one => 2.0,
        "halves" => 2.0,
        "third" if one => 3.0,
        "thirds" => 3.0,
        "quarter" | "cuarto" if one => 4.0,
        "quarters" | "cuartos" => 4.0,
        _ => return None,
    };
    Some((count / parts, multiplied_at(words, at + 1).unwrap_or(at + 1)))
}

/// Number words below a thousand, and their thousands and millions.
fn spelled(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let first = &words[at];
    let (mut total, mut group, mut next) = (0.0, 0.0, at);
    if let Some(one) = one_of_many(words, at) {
        (group, next) = (1.0, one);
    } else if unit(&first.text).or_else(|| tens(&first.text)).or_else(|| hundreds(&first.text)).is_none()
        && !first.is("mil")
    {
        return None;
    }
    loop {
        let skip =
            usize::from(next > at && words.get(next).is_some_and(|word| word.is_any(&["and", "y", "-"])));
        let number = words
            .get(next + skip)
            .filter(|word| !word.is_number())
            .and_then(|_| small_number(words, next + skip));
        let fits = |value: u32| {
            let spanish =
                skip == 1 && words[next].is("y") && group < 100.0 && group % 10.0 == 0.0 && value < 10;
            group % 100.0 == 0.0 || spanish
        };
        // "three fifty": the hundred is left out.
        let in_short =
            |value: u32| next == at + 1 && (1.0..10.0).contains(&group) && (10..100).contains(&value);
        if let Some((value, used)) = number.filter(|(value, _)| skip == 0 && total == 0.0 && in_short(*value))
        {
            (group, next) = (group * 100.0 + f64::from(value), next + used);
            continue;
        }
        if let Some((value, used)) = number.filter(|(value, _)| fits(*value)) {
            group += f64::from(value);
            next += skip + used;
            continue;
        }
        match words.get(next).map(|word| word.text.as_str()) {
            Some("hundred" | "hundo") if group > 0.0 && group < 100.0 => group *= 100.0,
            Some("mil") => (total, group) = (total + if group > 0.0 { group * 1e3 } else { 1e3 }, 0.0),
            Some(word) if group == 0.0 && hundreds(word).is_some() => {
                group = hundreds(word).map_or(0.0, f64::from);
            }
            Some("thousand" | "grand") if group > 0.0 => (total, group) = (total + group * 1e3, 0.0),
            Some("million" | "millon" | "millones") if group > 0.0 => {
                (total, group) = (total + group * 1e6, 0.0);
            }
            Some("point") if next > at => return Some(point(words, total + group, next + 1)),
            _ => return Some((total + group, next)),
        }
        next += 1;
    }
}

/// Where the multiplier stands that counts once: `a hundred and five`, `thousand`; not the one of "a few thousand".
fn one_of_many(words: &[Word], at: usize) -> Option<usize> {
    const VAGUE: [&str; 7] = ["few", "several", "many", "some", "of", "varios", "unos"];
    let article = at + usize::from(words[at].is_any(&ARTICLES));
    let vague = at.checked_sub(1).is_some_and(|before| words[before].is_any(&VAGUE));
    let named = words.get(article)?.is_any(&["hundred", "hundo", "thousand", "million", "grand", "millon"]);
    (named && !vague).then_some(article)
}

/// The Spanish hundreds, which are one word.
fn hundreds(word: &str) -> Option<u32> {
    const STEMS: [&str; 9] = [
        "cien",
        "doscient",
        "trescient",
        "cuatrocient",
        "quinient",
        "seiscient",
        "setecient",
        "ochocient",
        "novecient",
    ];
    if word == "ciento" {
        return Some(100);
    }
    let stem = word.strip_suffix("os").or_else(|| word.strip_suffix("as")).unwrap_or(word);
    let place = STEMS.iter().position(|known| *known == stem && (stem == "cien") == (stem == word))?;
    u32::try_from(place + 1).ok().map(|hundreds| hundreds * 100)
}

/// The digits after a spoken `point`.
fn point(words: &[Word], whole: f64, mut next: usize) -> (f64, usize) {
    let (mut value, mut place) = (whole, 0.1);
    while let Some(digit) = words.get(next).and_then(|word| unit(&word.text)).filter(|digit| *digit < 10) {
        value += f64::from(digit) * place;
        place /= 10.0;
        next += 1;
    }
    // Tenths added one by one drift; nine decimals is more than anyone says aloud.
    ((value * 1e9).round() / 1e9, next)
}

/// `and a half`: of one, or of the thousands and millions before it.
fn and_a_half(words: &[Word], value: f64, next: usize) -> (f64, usize) {
    let of = next.checked_sub(1).and_then(|last| multiplier(&words[last])).filter(|times| *times >= 1e3);
    for (phrase, part) in [("and a half", 0.5), ("y medio", 0.5), ("y media", 0.5), ("and a quarter", 0.25)] {
        if next <= words.len() && super::words::phrase_at(words, next, phrase) {
            return (value + part * of.unwrap_or(1.0), next + phrase.split(' ').count());
        }
    }
    (value, next)
}

fn multiplier(word: &Word) -> Option<f64> {
    Some(match word.text.as_str() {
        "hundred" | "hundo" => 1e2,
        "k" | "thousand" | "thou" | "grand" | "mil" | "gs" => 1e3,
        "million" | "millions" | "millon" | "millones" | "mm" => 1e6,
        "m" if word.glued => 1e6,
        "billion" | "bn" => 1e9,
        "dozen" | "docenas" => 12.0,
        _ => return None,
    })
}

fn scaled(words: &[Word], mut value: f64, mut next: usize) -> (f64, usize) {
    while let Some(times) = words.get(next).and_then(multiplier) {
        // `1.2 * 1000` must be 1200 exactly.
        value = (value * times * 1e6).round() / 1e6;
        next += 1;
    }
    (value, next)
}

/// Digits with separators. The last separator is the decimal one when both kinds occur; alone, a separator groups
/// thousands when exactly three digits follow it and the region writes it that way.
fn decimal(token: &str, region: &str) -> Option<f64> {
    let comma_decimal = uses_decimal_comma(region);
    let (last_dot, last_comma) = (token.rfind('.'), token.rfind(','));
    // "1.2.3" is a version or a section.
    let grouped = |separator| token.split(separator).skip(1).all(|group: &str| group.len() == 3);
    if [('.', last_comma), (',', last_dot)].into_iter().any(|(separator, other)| {
        other.is_none() && token.matches(separator).count() > 1 && !grouped(separator)
    }) {
        return None;
    }
    let decimal_at = match (last_dot, last_comma) {
        (Some(dot), Some(comma)) => Some(dot.max(comma)),
        (Some(at), None) => lone_separator(token, '.', at, comma_decimal),
        (None, Some(at)) => lone_separator(token, ',', at, !comma_decimal),
        (None, None) => None,
    };
    let mut clean = String::with_capacity(token.len());
    for (at, c) in token.char_indices() {
        if Some(at) == decimal_at {
            clean.push('.');
        } else if c.is_ascii_digit() {
            clean.push(c);
        }
    }
    clean.parse().ok()
}

/// Where the decimal separator stands, if the only kind of separator used is one.
fn lone_separator(token: &str, separator: char, last: usize, groups_here: bool) -> Option<usize> {
    let grouped = token.split(separator).skip(1).all(|group| group.len() == 3);
    let several = token.matches(separator).count() > 1;
    let groups = grouped && (several || (groups_here && !token.starts_with('0')));
    (!groups).then_some(last)
}

fn uses_decimal_comma(region: &str) -> bool {
    matches!(
        region,
        "DE" | "AT"
            | "FR"
            | "ES"
            | "IT"
            | "PT"
            | "NL"
            | "BE"
            | "BR"
            | "AR"
            | "CL"
            | "CO"
            | "PL"
            | "SE"
            | "NO"
            | "DK"
            | "FI"
            | "CZ"
            | "GR"
            | "RO"
            | "HU"
            | "TR"
            | "ID"
            | "VE"
            | "UY"
            | "EC"
    )
}
