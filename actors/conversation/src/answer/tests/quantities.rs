use super::*;

#[test]
fn numbers_are_understood_in_digits_and_words() {
    check_table(
        FieldType::Number,
        &context(),
        &[
            ("12", "12"),
            ("1,200", "1200"),
            ("1,234,567", "1234567"),
            ("1.2k", "1200"),
            ("5K", "5000"),
            ("3.5", "3.5"),
            ("-3", "-3"),
            ("minus 3", "-3"),
            ("negative two", "-2"),
            ("0", "0"),
            ("zero", "0"),
            ("about 12", "12"),
            ("around 12 or so", "12"),
            ("~12", "12"),
            ("we have 12 trucks", "12"),
            ("twenty five", "25"),
            ("twenty-five", "25"),
            ("seventeen", "17"),
            ("one hundred and five", "105"),
            ("one hundred twenty five", "125"),
            ("two thousand", "2000"),
            ("three thousand four hundred and twelve", "3412"),
            ("a hundred", "100"),
            ("a thousand", "1000"),
            ("a dozen", "12"),
            ("two dozen", "24"),
            ("half a dozen", "6"),
            ("a couple", "2"),
            ("1 million", "1000000"),
            ("1.5 million", "1500000"),
            ("2m", "2000000"),
            ("half a million", "500000"),
            ("3 1/2", "3.5"),
            ("1/2", "0.5"),
            ("half", "0.5"),
            ("three and a half", "3.5"),
            ("3 and a half", "3.5"),
            ("three point five", "3.5"),
            ("50%", "50"),
            ("12.", "12"),
            ("#4", "4"),
            ("twelve (12)", "12"),
            ("1,5", "1.5"),
            ("treinta y cinco", "35"),
            ("dos mil", "2000"),
            ("none", "0"),
            ("5, no wait, 6", "6"),
        ],
    );
}

#[test]
fn what_is_no_number_gets_the_right_cause() {
    check_table(
        FieldType::Number,
        &context(),
        &[
            ("", "!empty"),
            ("many", "!not_recognised"),
            ("🤷", "!not_recognised"),
            ("10-20", "!ambiguous"),
            ("between five and ten", "!ambiguous"),
            ("99999999999999999999", "!too_large"),
        ],
    );
    let limits = Validation { min: Some(1.0), max: Some(50.0), integer: true, ..Validation::default() };
    check_table(
        FieldType::Number,
        &ParseContext { validation: &limits, ..context() },
        &[
            ("1", "1"),
            ("fifty", "50"),
            ("0", "!too_small"),
            ("-4", "!too_small"),
            ("51", "!too_large"),
            ("2.5", "!not_whole"),
        ],
    );
}

#[test]
fn separators_follow_the_region_when_they_could_be_either() {
    let german = ParseContext { region: "DE", ..context() };
    check_table(
        FieldType::Number,
        &german,
        &[("1.200", "1200"), ("1,5", "1.5"), ("1.234,56", "1234.56"), ("3,200", "3.2")],
    );
    check_table(
        FieldType::Number,
        &context(),
        &[("1.200", "1.2"), ("1.234,56", "1234.56"), ("1,234.56", "1234.56")],
    );
}

fn money(minor: i64, currency: &str) -> String {
    serde_json::json!({ "minor": minor, "currency": currency }).to_string()
}

#[test]
fn amounts_of_money_are_understood() {
    let table = [
        ("$1,200.50", money(120_050, "USD")),
        ("1200", money(120_000, "USD")),
        ("1200 bucks", money(120_000, "USD")),
        ("1,200 dollars", money(120_000, "USD")),
        ("5k", money(500_000, "USD")),
        ("$5k", money(500_000, "USD")),
        ("5 grand", money(500_000, "USD")),
        ("$1.2 million", money(120_000_000, "USD")),
        ("USD 40", money(4_000, "USD")),
        ("40 USD", money(4_000, "USD")),
        ("$40 USD", money(4_000, "USD")),
        ("US$40", money(4_000, "USD")),
        ("C$40", money(4_000, "CAD")),
        ("€20", money(2_000, "EUR")),
        ("20 €", money(2_000, "EUR")),
        ("20 euros", money(2_000, "EUR")),
        ("twenty euros", money(2_000, "EUR")),
        ("1.234,56 €", money(123_456, "EUR")),
        ("£15", money(1_500, "GBP")),
        ("15 quid", money(1_500, "GBP")),
        ("¥500", money(500, "JPY")),
        ("fifty dollars", money(5_000, "USD")),
        ("99 cents", money(99, "USD")),
        ("5 dollars and 20 cents", money(520, "USD")),
        ("about $500 a month", money(50_000, "USD")),
        ("our budget is around 2,500 dollars", money(250_000, "USD")),
        ("-$5", money(-500, "USD")),
        ("a hundred bucks", money(10_000, "USD")),
        ("0", money(0, "USD")),
        ("$0.1", money(10, "USD")),
        ("19.99", money(1_999, "USD")),
        ("for 2 people $40", money(4_000, "USD")),
        ("$500-$1000", "!ambiguous".to_owned()),
        ("free", "!not_recognised".to_owned()),
        ("", "!empty".to_owned()),
        ("💰", "!not_recognised".to_owned()),
    ];
    let table: Vec<(&str, &str)> = table.iter().map(|(text, json)| (*text, json.as_str())).collect();
    check_table(FieldType::Currency, &context(), &table);
}

#[test]
fn the_region_says_which_currency_a_bare_number_is() {
    for (region, currency) in [("GB", "GBP"), ("DE", "EUR"), ("CA", "CAD"), ("US", "USD"), ("ZZ", "USD")] {
        let ctx = ParseContext { region, ..context() };
        assert_eq!(read(FieldType::Currency, "40", &ctx), money(4_000, currency), "{region}");
    }
}

#[test]
fn limits_of_money_are_in_major_units() {
    let limits = Validation { min: Some(10.0), max: Some(100.0), ..Validation::default() };
    let ctx = ParseContext { validation: &limits, ..context() };
    check_table(FieldType::Currency, &ctx, &[("$9.99", "!too_small"), ("$100.01", "!too_large")]);
}

#[test]
fn money_reads_back_with_its_sign() {
    for (minor, currency, expected) in [
        (120_050, "USD", "$1,200.50"),
        (120_000, "USD", "$1,200"),
        (-500, "USD", "-$5"),
        (2_005, "EUR", "€20.05"),
        (500, "JPY", "¥500"),
        (123_456_789, "CHF", "1,234,567.89 CHF"),
    ] {
        assert_eq!(AnswerValue::Currency { minor, currency: currency.into() }.display(&[], "en"), expected);
    }
}
