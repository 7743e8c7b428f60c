//! Choices: by id, label, number, letter, position, part of a label, synonym, or with a slip of the fingers.

use super::occasion::weekday;
use super::words::{Word, folded, longest_phrase, nearly, ordinal, phrase_at, small_number, unit, words};
use super::{AnswerValue, ParseContext, ParseErrorCause as Cause, hours};
use crate::flow::Choice;

/// Words that carry no choice.
const FILLER: &[&str] = &[
    "letter",
    "now",
    "maybe",
    "probably",
    "then",
    "moment",
    "were",
    "we",
    "a",
    "an",
    "the",
    "one",
    "ones",
    "option",
    "options",
    "choice",
    "number",
    "please",
    "pls",
    "i",
    "id",
    "ill",
    "im",
    "we",
    "wed",
    "well",
    "would",
    "will",
    "want",
    "like",
    "need",
    "pick",
    "choose",
    "take",
    "go",
    "going",
    "with",
    "for",
    "my",
    "our",
    "is",
    "it",
    "its",
    "that",
    "thats",
    "this",
    "think",
    "lets",
    "say",
    "guess",
    "prefer",
    "preferably",
    "mostly",
    "just",
    "um",
    "uh",
    "yes",
    "yeah",
    "ok",
    "okay",
    "thanks",
    "to",
    "be",
    "of",
    "in",
    "on",
    "have",
    "do",
    "me",
    "only",
    "some",
    "any",
];

/// Words that turn a choice away.
const REFUSAL: [&str; 10] =
    ["not", "dont", "except", "but", "without", "neither", "excluding", "minus", "hate", "never"];

/// Words that mean the same in a list of options.
const SYNONYMS: [&[&str]; 16] = [
    &["sms", "text", "texts", "texting", "txt", "mensaje", "texto"],
    &["phone", "call", "calls", "telephone", "calling", "telefono", "llamada", "llamar"],
    &["cell", "mobile", "cellphone"],
    &["email", "mail", "emails", "correo"],
    &["website", "site", "web", "webpage", "sitio", "pagina"],
    &["facebook", "fb"],
    &["instagram", "ig", "insta"],
    &["yes", "yeah", "yep", "yup", "si"],
    &["no", "nope", "nah"],
    &["google", "gbp", "gmb"],
    &["monthly", "month"],
    &["call", "ring", "phone"],
    &["social", "socials", "instagram", "insta", "ig", "facebook", "fb", "tiktok"],
    &["large", "big", "bigger", "biggest", "largest"],
    &["small", "little", "smaller", "smallest"],
    &["evening", "evenings", "night", "nights"],
];

pub(super) fn select(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    let index = one_of(&words(text), text, ctx.options).ok_or(Cause::NotAnOption)?;
    Ok(AnswerValue::Choice(ctx.options[index].id.clone()))
}

pub(super) fn multi_select(text: &str, ctx: &ParseContext<'_>) -> Result<AnswerValue, Cause> {
    // `1,3` is two choices here, not one number.
    let text = text.replace(',', ", ");
    let words = words(&text);
    let chosen = chosen(&words, &text, ctx.options)
        .filter(|chosen| chosen.contains(&true))
        .ok_or(Cause::NotAnOption)?;
    check_count(&chosen, ctx)?;
    let ids = ctx.options.iter().zip(chosen).filter(|(_, taken)| *taken).map(|(option, _)| option.id.clone());
    Ok(AnswerValue::Choices(ids.collect()))
}

pub(super) fn check_count(chosen: &[bool], ctx: &ParseContext<'_>) -> Result<(), Cause> {
    let count = u32::try_from(chosen.iter().filter(|taken| **taken).count()).unwrap_or(u32::MAX);
    if let Some(min) = ctx.validation.min_length.filter(|min| count < *min) {
        return Err(Cause::TooShort { min });
    }
    match ctx.validation.max_length.filter(|max| count > *max) {
        Some(max) => Err(Cause::TooLong { max }),
        None => Ok(()),
    }
}

/// The one option that the words mean.
fn one_of(words: &[Word], text: &str, options: &[Choice]) -> Option<usize> {
    if let Some(option) = exact(text, options) {
        return Some(option);
    }
    let (words, refuses) = match without_refused(words, options) {
        Some(rest) => (rest, false),
        None => (words, refuses(words, options)),
    };
    let alternatives: Vec<usize> = words
        .split(|word| word.is_any(&["or", "o"]))
        .filter(|part| part.len() < words.len())
        .filter_map(|part| meant(part, options, refuses))
        .collect();
    // "google or website" names two; "email or something" names one.
    match alternatives[..] {
        [first, ..] if alternatives.iter().all(|other| *other == first) => Some(first),
        [] => meant(words, options, refuses),
        _ => None,
    }
}

fn meant(words: &[Word], options: &[Choice], refuses: bool) -> Option<usize> {
    let place = if refuses { None } else { position(words, options.len()) };
    place
        .or_else(|| named(words, options))
        .or_else(|| initial(words, options))
        .or_else(|| within(words, options))
        .or_else(|| if refuses { None } else { resembling(words, options) })
}

/// "M" of Small, Medium and Large: the one option that begins with the letter, which is no place in the list.
fn initial(words: &[Word], options: &[Choice]) -> Option<usize> {
    let [letter] = words else { return None };
    let begins = |option: &Choice| folded(&option.label).starts_with(&letter.text);
    unique(options, |_, option| letter.is_letters() && letter.text.len() == 1 && begins(option))
}

/// What is left when what is turned away stands apart: "not ads, social", "social not ads".
fn without_refused<'w>(words: &'w [Word], options: &[Choice]) -> Option<&'w [Word]> {
    let at = words.iter().position(|word| word.is_any(&["not", "dont", "no", "neither"]))?;
    // "no, the second one" turns away what was offered before.
    if at == 0 && words[0].is("no") && words.get(1).is_some_and(|next| next.is(",")) {
        let rest = &words[2..];
        return (!refuses(rest, options) && meant(rest, options, false).is_some()).then_some(rest);
    }
    if !refuses(words, options) {
        return None;
    }
    let comma = words[at..].iter().position(|word| word.is_any(&[",", "but"])).map(|comma| at + comma + 1);
    let named = |part: &[Word]| !part.is_empty() && meant(part, options, false).is_some();
    let (before, behind) = (&words[..at], comma.map_or(&[][..], |comma| &words[comma..]));
    [behind, before].into_iter().find(|part| named(part))
}

/// Whether something is turned away; a refusing word that stands in a label ("Not sure yet") is an answer instead.
fn refuses(words: &[Word], options: &[Choice]) -> bool {
    let labelled = |word: &Word| {
        options.iter().any(|option| self::words(&option.label).iter().any(|part| part.text == word.text))
    };
    // "no red please", but not "no, red".
    let denied = |pair: &[Word]| pair[0].is("no") && !labelled(&pair[0]) && labelled(&pair[1]);
    words.iter().any(|word| word.is_any(&REFUSAL) && !labelled(word)) || words.windows(2).any(denied)
}

/// The whole text is an option's id or label.
fn exact(text: &str, options: &[Choice]) -> Option<usize> {
    let said = text.trim();
    let wanted = folded(text);
    let by_id = options.iter().position(|option| option.id.eq_ignore_ascii_case(said));
    by_id.or_else(|| {
        // "S.E.O." and "web site" are written apart.
        let joined = |text: &str| text.replace(' ', "");
        let same = |option: &Choice| {
            joined(&folded(&option.label)) == joined(&wanted)
                || folded(&option.id.replace('_', " ")) == wanted
        };
        unique(options, |_, option| !wanted.is_empty() && same(option))
    })
}

fn unique(options: &[Choice], fits: impl Fn(usize, &Choice) -> bool) -> Option<usize> {
    let mut fitting = options.iter().enumerate().filter(|(at, option)| fits(*at, option)).map(|(at, _)| at);
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

/// `2`, `#2`, `the second one`, `option b`, `B)`, `last`: a place in the list and nothing else but filler.
fn position(words: &[Word], count: usize) -> Option<usize> {
    let said: Vec<&Word> = words.iter().filter(|word| word.is_letters() || word.is_number()).collect();
    let rest: Vec<Word> = said.into_iter().cloned().collect();
    let mut place = None;
    let mut at = 0;
    while at < rest.len() {
        let last = rest[at].is_any(&["last", "ultimo", "ultima", "final", "bottom"]).then_some((count, 1));
        let last = last.or(rest[at].is("top").then_some((1, 1)));
        let before_last =
            longest_phrase(&rest, at, &["second to last", "next to last", "second last", "penultimate"]);
        let last = before_last.map(|(_, used)| (count.saturating_sub(1), used)).or(last);
        let middle = rest[at].is_any(&["middle", "medio"]) && count % 2 == 1;
        let last = last.or(middle.then_some((count / 2 + 1, 1)));
        if rest[at].is("no") && rest.get(at + 1).is_some_and(Word::is_number) {
            at += 1;
            continue;
        }
        // The article is a choice only on its own: "a", "option a".
        let letter = letter_place(&rest, at);
        let found = last.or_else(|| place_of(&rest, at)).or(letter);
        match found {
            Some((number, used)) => {
                if place.is_some_and(|other| other != number) {
                    return None;
                }
                place = Some(number);
                at += used;
            }
            None if rest[at].is_any(FILLER) || rest[at].is_any(&["el", "la", "opcion", "numero"]) => at += 1,
            None => return None,
        }
    }
    place.filter(|place| (1..=count).contains(place)).map(|place| place - 1)
}

/// A number or ordinal; "one" after something else ("the second one") is filler.
fn place_of(words: &[Word], at: usize) -> Option<(usize, usize)> {
    let trailing_one =
        at > 0 && words[at].is("one") && !words[at - 1].is_any(&["option", "number", "choice"]);
    let (value, used) = ordinal(words, at).or_else(|| small_number(words, at).filter(|_| !trailing_one))?;
    Some((usize::try_from(value).ok()?, used))
}

fn letter_place(words: &[Word], at: usize) -> Option<(usize, usize)> {
    let letter = words[at].text.as_bytes();
    let announced = at > 0 && words[at - 1].is_any(&["option", "opcion", "choice", "letter"]);
    let alone = words.len() == 1;
    let plain = letter.len() == 1 && letter[0].is_ascii_lowercase() && (announced || alone);
    plain.then(|| (usize::from(letter[0] - b'a') + 1, 1))
}

/// The option whose whole label or id stands in the sentence; of nested ones the longest.
fn named(words: &[Word], options: &[Choice]) -> Option<usize> {
    let found: Vec<Mention> = mentions(words, options);
    let [first, rest @ ..] = &found[..] else { return None };
    let before = &words[..first.at];
    let refused = before.iter().rev().take(3).any(|word| word.is_any(&REFUSAL))
        || before.last().is_some_and(|last| last.is("no"));
    (!refused && rest.iter().all(|other| other.option == first.option)).then_some(first.option)
}

/// The option whose range of numbers holds the one that is said: "12" is in "6-20 people", "over 20" in "More than 20".
fn within(words: &[Word], options: &[Choice]) -> Option<usize> {
    let ranges: Vec<Option<(u32, u32)>> =
        options.iter().map(|option| range_of(&self::words(&option.label))).collect();
    if ranges.iter().flatten().count() < 2 {
        return None;
    }
    let mut numbers = (0..words.len()).filter_map(|at| small_number(words, at)).map(|(value, _)| value);
    let (number, None) = (numbers.next()?, numbers.next()) else { return None };
    let above = words.iter().any(|word| word.is_any(&["over", "above", "than", "+", "plus"]))
        && !words.iter().any(|word| word.is_any(&["less", "fewer", "under"]));
    let number = number + u32::from(above);
    unique(options, |at, _| ranges[at].is_some_and(|(from, to)| (from..=to).contains(&number)))
}

/// The numbers that a label such as `6-20 people`, `More than 20`, `20+` or `Under 5` means.
fn range_of(label: &[Word]) -> Option<(u32, u32)> {
    let numbers: Vec<u32> = label.iter().filter_map(Word::digits).collect();
    let says = |list: &[&str]| label.iter().any(|word| word.is_any(list));
    match numbers[..] {
        [from, to] if from < to => Some((from, to)),
        [number] if says(&["more", "over", "above"]) && says(&["than", "over", "above"]) => {
            Some((number + 1, u32::MAX))
        }
        [number] if says(&["+", "plus", "least", "more"]) => Some((number, u32::MAX)),
        [number] if says(&["less", "fewer", "under", "below"]) => Some((0, number.saturating_sub(1))),
        [number] if says(&["up", "to"]) => Some((0, number)),
        [number] if label.len() == 1 => Some((number, number)),
        _ => None,
    }
}

struct Mention {
    option: usize,
    at: usize,
    used: usize,
}

/// Every mention of a whole label or id, the longest at each place.
fn mentions(words: &[Word], options: &[Choice]) -> Vec<Mention> {
    let names: Vec<(usize, Vec<Word>)> = options
        .iter()
        .enumerate()
        .flat_map(|(option, choice)| [(option, choice.label.clone()), (option, choice.id.replace('_', " "))])
        .map(|(option, name)| (option, self::words(&name)))
        .filter(|(_, name)| name.iter().any(|word| word.is_letters() || word.is_number()))
        .collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let longest = names
            .iter()
            .filter(|(_, name)| {
                words[at..].len() >= name.len()
                    && name.iter().zip(&words[at..]).all(|(a, b)| a.text == b.text)
            })
            .filter(|(_, name)| name.len() > 1 || !name[0].is_any(FILLER) || words.len() == 1)
            .max_by_key(|(_, name)| name.len());
        match longest {
            Some((option, name)) => {
                found.push(Mention { option: *option, at, used: name.len() });
                at += name.len();
            }
            None => at += 1,
        }
    }
    found
}

/// The option that shares the most words with the text, if no other shares as many.
fn resembling(words: &[Word], options: &[Choice]) -> Option<usize> {
    let said = || words.iter().filter(|word| word.is_letters() || word.is_number());
    let mut content: Vec<&Word> = said().filter(|word| !word.is_any(FILLER)).collect();
    if content.is_empty() {
        // "yeah" is filler in a sentence and an answer on its own.
        content = said().collect();
    }
    let polite = content.iter().all(|word| word.is_any(FILLER));
    let scores: Vec<u32> = options.iter().map(|option| score(&content, option, polite)).collect();
    let best = *scores.iter().max()?;
    let mut at_best = scores.iter().enumerate().filter(|(_, score)| **score == best);
    let (index, _) = at_best.next()?;
    (best > 0 && at_best.next().is_none()).then_some(index)
}

/// How well the words fit an option: whole words count most, then beginnings, synonyms and slips.
fn score(content: &[&Word], option: &Choice, polite: bool) -> u32 {
    let name = format!("{} {}", option.label, option.id.replace('_', " "));
    let mut parts: Vec<Word> =
        words(&name).into_iter().filter(|part| part.is_letters() || part.is_number()).collect();
    if !polite && parts.iter().any(|part| !part.is_any(FILLER)) {
        parts.retain(|part| !part.is_any(FILLER));
    }
    content
        .iter()
        .map(|word| parts.iter().map(|part| likeness(&word.text, &part.text)).max().unwrap_or(0))
        .sum()
}

fn likeness(said: &str, part: &str) -> u32 {
    let counted = || unit(said).is_some_and(|number| number.to_string() == part);
    if said == part || said.strip_suffix('s') == Some(part) || counted() {
        10
    } else if SYNONYMS.iter().any(|group| group.contains(&said) && group.contains(&part)) {
        8
    } else if said.len() >= 3 && (part.starts_with(said) || (part.len() >= 4 && said.starts_with(part))) {
        6
    } else if nearly(said, part) {
        5
    } else if said.len() >= 4 && part.contains(said) {
        3
    } else {
        0
    }
}

/// Which options are chosen, by their places in the list.
fn chosen(words: &[Word], text: &str, options: &[Choice]) -> Option<Vec<bool>> {
    let mut chosen = vec![false; options.len()];
    if let Some(only) = exact(text, options) {
        chosen[only] = true;
        return Some(chosen);
    }
    if let Some(at) = all_at(words, options.len()) {
        let exception = words[at..]
            .iter()
            .position(|word| word.is_any(&["except", "but", "excluding", "minus", "menos", "excepto"]));
        chosen.fill(true);
        if let Some(exception) = exception {
            for (place, taken) in listed(&words[at + exception + 1..], text, options)?.into_iter().enumerate()
            {
                chosen[place] = !taken;
            }
        }
        return Some(chosen);
    }
    if let Some(chosen) = days(words, options).or_else(|| ends(words, options.len())) {
        return Some(chosen);
    }
    match words.iter().position(|word| word.is_any(&["not", "dont", "neither", "except"])) {
        None => listed(words, text, options),
        // "website not seo": what stands before is chosen.
        Some(at) if at > 0 && words[at].is_any(&["not", "except"]) => {
            let comma = usize::from(words[at - 1].is_any(&[",", "but"]));
            let one_thing = !words[at + 1..].iter().any(|word| word.is(","));
            listed(&words[at + 1..], text, options).filter(|_| one_thing)?;
            listed(&words[..at - comma], text, options)
        }
        // "not lawn, tree and patio": what stands behind the comma is chosen.
        Some(0) if words[0].is("not") => {
            let comma = words.iter().position(|word| word.is(","))?;
            let refused = listed(&words[1..comma], text, options)?;
            let taken = listed(&words[comma + 1..], text, options)?;
            let apart = refused.iter().zip(&taken).all(|(refused, taken)| !(*refused && *taken));
            apart.then_some(taken)
        }
        Some(_) => None,
    }
}

/// Where "all", "everything", "all four" or, of two, "both" is said.
fn all_at(words: &[Word], count: usize) -> Option<usize> {
    words.iter().enumerate().position(|(at, word)| {
        let all = word.is_any(&["all", "everything", "every", "everyday", "todo", "todos", "todas"]);
        let counted = small_number(words, at + 1).is_none_or(|(said, _)| usize::try_from(said) == Ok(count));
        (all && counted)
            || (count == 2 && word.is_any(&["both", "ambos", "ambas"]))
            || phrase_at(words, at, "the lot")
            || phrase_at(words, at, "the works")
            || phrase_at(words, at, "any day")
    })
}

/// "the first two", "last three".
fn ends(words: &[Word], count: usize) -> Option<Vec<bool>> {
    let at = words.iter().position(|word| word.is_any(&["first", "last", "top"]))?;
    let (number, used) = small_number(words, at + 1)?;
    let clean = |rest: &[Word]| {
        rest.iter().all(|word| word.is_any(FILLER) || !(word.is_letters() || word.is_number()))
    };
    let number = usize::try_from(number).ok().filter(|number| (2..=count).contains(number))?;
    if !(clean(&words[..at]) && clean(&words[at + 1 + used..])) {
        return None;
    }
    let from_end = words[at].is("last");
    Some((0..count).map(|place| if from_end { place >= count - number } else { place < number }).collect())
}

/// Options named in a list. Whole labels are taken first, so that one may hold a comma or an "and".
fn listed(words: &[Word], text: &str, options: &[Choice]) -> Option<Vec<bool>> {
    let mut chosen = vec![false; options.len()];
    let mut rest: Vec<&[Word]> = Vec::new();
    let mut from = 0;
    for mention in mentions(words, options) {
        // A bare number is a place in the list, which the pieces below know best.
        if words[mention.at..mention.at + mention.used].iter().all(Word::is_number) && options.len() < 10 {
            continue;
        }
        chosen[mention.option] = true;
        rest.push(&words[from..mention.at]);
        from = mention.at + mention.used;
    }
    rest.push(&words[from..]);
    let last = rest.len() - 1;
    for (place, between) in rest.into_iter().enumerate() {
        let pieces: Vec<&[Word]> = between.split(separates).collect();
        for (at, piece) in pieces.iter().enumerate() {
            // "mowing the lawn", "a cat": words that touch a whole label say no more than it does.
            let touches = (at == 0 && place > 0) || (at + 1 == pieces.len() && place < last);
            if !(touches && only_tells(piece)) {
                take(piece, text, options, &mut chosen)?;
            }
        }
    }
    Some(chosen)
}

/// Words that neither turn away nor count.
fn only_tells(piece: &[Word]) -> bool {
    !piece.iter().any(|word| word.is_any(&REFUSAL) || word.is_any(&["no", "or"]) || word.is_number())
}

fn separates(word: &Word) -> bool {
    word.is_any(&[",", ";", "&", "+", "/", "\n", "and", "y", "e", "plus", "also", "then", "both", "tambien"])
}

/// Marks what one piece of a list names: one option, a range of places, or several places in a row.
fn take(piece: &[Word], text: &str, options: &[Choice], chosen: &mut [bool]) -> Option<()> {
    let piece: Vec<Word> =
        piece.iter().filter(|word| word.is_letters() || word.is_number() || word.is("-")).cloned().collect();
    // "I need a" is nothing, "a" alone is the first.
    let place = |word: &Word| piece.len() == 1 && word.is_any(&["one", "a"]);
    if piece.iter().all(|word| word.is("-") || (word.is_any(FILLER) && !place(word))) {
        return Some(());
    }
    if let Some((first, last)) = place_range(&piece) {
        let places = chosen.get_mut(first.checked_sub(1)?..last)?;
        places.fill(true);
        return Some(());
    }
    if piece.len() > 1 && piece.iter().all(|word| word.digits().is_some()) {
        for place in piece.iter().filter_map(Word::digits) {
            *chosen.get_mut(usize::try_from(place).ok()?.checked_sub(1)?)? = true;
        }
        return Some(());
    }
    if let Some(places) = each_its_own(&piece, options) {
        for place in places {
            chosen[place] = true;
        }
        return Some(());
    }
    let start = piece.first()?.at.start;
    let end = piece.last()?.at.end;
    let said = text.get(start..end).unwrap_or_default();
    match one_of(&piece, said, options) {
        Some(option) => chosen[option] = true,
        None => run_together(&piece, options.len())?.into_iter().for_each(|place| chosen[place] = true),
    }
    Some(())
}

/// "13" of four options: the first and the third.
fn run_together(piece: &[Word], count: usize) -> Option<Vec<usize>> {
    let [digits] = piece else { return None };
    let beyond = digits.digits().is_some_and(|value| usize::try_from(value).is_ok_and(|value| value > count));
    let ascending = digits.text.as_bytes().windows(2).all(|pair| pair[0] < pair[1]);
    if !(beyond && ascending && count < 10) {
        return None;
    }
    let places = digits.text.bytes().map(|digit| usize::from(digit - b'0'));
    places.map(|place| place.checked_sub(1).filter(|place| *place < count)).collect()
}

/// "A B D": letters each of which is a place in the list.
fn each_its_own(piece: &[Word], options: &[Choice]) -> Option<Vec<usize>> {
    let letters = piece.iter().all(|word| word.is_letters() && word.text.len() == 1);
    if piece.len() < 2 || !letters {
        return None;
    }
    piece.iter().map(|word| meant(std::slice::from_ref(word), options, false)).collect()
}

/// "mon-fri", "weekdays", "MWF", where the options are the days of the week.
fn days(words: &[Word], options: &[Choice]) -> Option<Vec<bool>> {
    let day = |option: &Choice| {
        weekday(&folded(&option.label)).map(|day| day.to_monday_zero_offset().unsigned_abs())
    };
    let days: Vec<u8> = options.iter().map(day).collect::<Option<_>>()?;
    let mut said = 0;
    let mut at = 0;
    while at < words.len() {
        if let Some((more, next)) = hours::days_at(words, at) {
            said |= more;
            at = next;
        } else if words[at].is_any(&REFUSAL) {
            return None;
        } else {
            at += 1;
        }
    }
    (said != 0).then(|| days.into_iter().map(|day| said & (1 << day) != 0).collect())
}

/// `1-3`, `1 to 3`, `2 through 4`.
fn place_range(piece: &[Word]) -> Option<(usize, usize)> {
    let [first, between, last] = piece else { return None };
    let range = between.is_any(&["-", "to", "through", "thru", "a"]);
    let (first, last) = (usize::try_from(first.digits()?).ok()?, usize::try_from(last.digits()?).ok()?);
    (range && first < last).then_some((first, last))
}
