use super::*;

#[test]
fn yes_and_no_are_understood() {
    check_table(
        FieldType::Boolean,
        &context(),
        &[
            ("yes", "true"),
            ("Y", "true"),
            ("yeah", "true"),
            ("Yep!", "true"),
            ("yup", "true"),
            ("sure", "true"),
            ("of course", "true"),
            ("absolutely", "true"),
            ("ok", "true"),
            ("OK.", "true"),
            ("👍", "true"),
            ("👍🏽", "true"),
            ("si", "true"),
            ("sí", "true"),
            ("claro", "true"),
            ("por supuesto", "true"),
            ("I do", "true"),
            ("we do", "true"),
            ("yes we do", "true"),
            ("yes please", "true"),
            ("why not", "true"),
            ("no problem", "true"),
            ("I think so", "true"),
            ("sounds good", "true"),
            ("definitely", "true"),
            ("true", "true"),
            ("that's right", "true"),
            ("Yes, I do have one", "true"),
            ("yeah we have two of them", "true"),
            ("correct", "true"),
            ("uh huh", "true"),
            ("we have", "true"),
            ("no", "false"),
            ("n", "false"),
            ("nope", "false"),
            ("nah", "false"),
            ("not really", "false"),
            ("never", "false"),
            ("👎", "false"),
            ("we don't", "false"),
            ("I do not", "false"),
            ("no thanks", "false"),
            ("not yet", "false"),
            ("absolutely not", "false"),
            ("no way", "false"),
            ("para nada", "false"),
            ("I don't think so", "false"),
            ("not at all", "false"),
            ("we haven't any", "false"),
            ("no, we don't", "false"),
            ("nope, sorry", "false"),
            ("false", "false"),
            ("of course not", "false"),
            ("not ok", "false"),
            ("yes and no", "!not_recognised"),
            ("maybe", "!not_recognised"),
            ("not sure", "!not_recognised"),
            ("I don't know", "!not_recognised"),
            ("it depends", "!not_recognised"),
            ("yes no", "!not_recognised"),
            ("purple", "!not_recognised"),
            ("", "!empty"),
            ("🤔", "!not_recognised"),
            ("who knows", "!not_recognised"),
        ],
    );
}

fn services() -> Vec<Choice> {
    options(&[
        ("gbp", "Google Business Profile"),
        ("website", "Website redesign"),
        ("seo", "SEO & content"),
        ("ads", "Paid ads"),
    ])
}

#[test]
fn one_option_is_chosen_in_many_ways() {
    let list = services();
    check_table(
        FieldType::Select,
        &ParseContext { options: &list, ..context() },
        &[
            ("gbp", "gbp"),
            ("GBP", "gbp"),
            ("Google Business Profile", "gbp"),
            ("google business profile.", "gbp"),
            ("google", "gbp"),
            ("the google one", "gbp"),
            ("the Google thing please", "gbp"),
            ("gogle", "gbp"),
            ("2", "website"),
            ("#2", "website"),
            ("2.", "website"),
            ("2)", "website"),
            ("option 2", "website"),
            ("number two", "website"),
            ("the second one", "website"),
            ("second", "website"),
            ("the 2nd", "website"),
            ("option b", "website"),
            ("B", "website"),
            ("b)", "website"),
            ("I'd like the second option please", "website"),
            ("web", "website"),
            ("site", "website"),
            ("redesign", "website"),
            ("a website redesign", "website"),
            ("webiste", "website"),
            ("the last one", "ads"),
            ("last", "ads"),
            ("the first", "gbp"),
            ("first one", "gbp"),
            ("one", "gbp"),
            ("option one", "gbp"),
            ("seo", "seo"),
            ("content", "seo"),
            ("SEO and content", "seo"),
            ("let's go with seo", "seo"),
            ("paid", "ads"),
            ("I guess ads", "ads"),
            ("5", "!not_an_option"),
            ("0", "!not_an_option"),
            ("pizza", "!not_an_option"),
            ("google or website", "!not_an_option"),
            ("not google", "!not_an_option"),
            ("none of them", "!not_an_option"),
            ("", "!empty"),
            ("🍕", "!not_an_option"),
            ("1 or 2", "!not_an_option"),
        ],
    );
}

#[test]
fn labels_that_hold_numbers_accents_or_each_other_are_told_apart() {
    let sizes = options(&[("small", "1-10 people"), ("medium", "11-50 people"), ("large", "More than 50")]);
    check_table(
        FieldType::Select,
        &ParseContext { options: &sizes, ..context() },
        &[
            ("1-10", "small"),
            ("11-50 people", "medium"),
            ("2", "medium"),
            ("more than 50", "large"),
            ("large", "large"),
        ],
    );
    let nested = options(&[("web", "Website"), ("web_seo", "Website and SEO"), ("cafe", "Café")]);
    check_table(
        FieldType::Select,
        &ParseContext { options: &nested, ..context() },
        &[
            ("website", "web"),
            ("website and seo", "web_seo"),
            ("I want the website and SEO", "web_seo"),
            ("cafe", "cafe"),
            ("CAFÉ", "cafe"),
        ],
    );
    let channels = options(&[("sms", "Text message"), ("email", "Email"), ("phone", "Phone call")]);
    check_table(
        FieldType::Select,
        &ParseContext { options: &channels, ..context() },
        &[
            ("text", "sms"),
            ("texting please", "sms"),
            ("mail", "email"),
            ("call me", "phone"),
            ("by email", "email"),
            ("emial", "email"),
        ],
    );
    let yes_no = options(&[("yes", "Yes"), ("no", "No"), ("unsure", "Not sure yet")]);
    check_table(
        FieldType::Select,
        &ParseContext { options: &yes_no, ..context() },
        &[("yeah", "yes"), ("no", "no"), ("nope", "no"), ("not sure", "unsure"), ("not sure yet", "unsure")],
    );
}

#[test]
fn several_options_are_chosen_in_many_ways() {
    let list = services();
    let all = r#"["gbp","website","seo","ads"]"#;
    check_table(
        FieldType::MultiSelect,
        &ParseContext { options: &list, ..context() },
        &[
            ("google", r#"["gbp"]"#),
            ("google and ads", r#"["gbp","ads"]"#),
            ("ads, google", r#"["gbp","ads"]"#),
            ("google & website + ads", r#"["gbp","website","ads"]"#),
            ("google/website", r#"["gbp","website"]"#),
            ("google\nads", r#"["gbp","ads"]"#),
            ("1 and 3", r#"["gbp","seo"]"#),
            ("1,3", r#"["gbp","seo"]"#),
            ("1 3", r#"["gbp","seo"]"#),
            ("1, 2 & 4", r#"["gbp","website","ads"]"#),
            ("1-3", r#"["gbp","website","seo"]"#),
            ("the first two", r#"["gbp","website"]"#),
            ("last two", r#"["seo","ads"]"#),
            ("the first and the last", r#"["gbp","ads"]"#),
            ("a and c", r#"["gbp","seo"]"#),
            ("all", all),
            ("all of them", all),
            ("everything", all),
            ("todos", all),
            ("All of the above!", all),
            ("all except ads", r#"["gbp","website","seo"]"#),
            ("everything but google", r#"["website","seo","ads"]"#),
            ("SEO & content", r#"["seo"]"#),
            ("SEO & content and paid ads", r#"["seo","ads"]"#),
            ("both google and seo", r#"["gbp","seo"]"#),
            ("I'd like the website redesign and also seo please", r#"["website","seo"]"#),
            ("google google", r#"["gbp"]"#),
            ("pizza", "!not_an_option"),
            ("google and pizza", "!not_an_option"),
            ("1 and 9", "!not_an_option"),
            ("none", "!not_an_option"),
            ("", "!empty"),
            ("not google", "!not_an_option"),
        ],
    );
    let two = options(&[("am", "Morning"), ("pm", "Afternoon")]);
    check_table(
        FieldType::MultiSelect,
        &ParseContext { options: &two, ..context() },
        &[("both", r#"["am","pm"]"#), ("either of both", r#"["am","pm"]"#)],
    );
}

#[test]
fn the_number_of_choices_keeps_to_its_limits() {
    let list = services();
    let limits = Validation { min_length: Some(2), max_length: Some(3), ..Validation::default() };
    check_table(
        FieldType::MultiSelect,
        &ParseContext { options: &list, validation: &limits, ..context() },
        &[("google", "!too_short"), ("1 and 2", r#"["gbp","website"]"#), ("all", "!too_long")],
    );
}
