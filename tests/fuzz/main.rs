//! Every parser that meets the outside is handed broken input; none may panic. `USHER_FUZZ_INPUTS` and
//! `USHER_TEST_SEED` make longer and other runs.

mod conversation;
mod engine;
mod files;
mod fuzzer;
mod twilio;
mod widget;

use usher_testkit::Seed;

#[test]
fn the_fuzzer_finds_a_parser_that_panics() {
    let careless = |input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        if let Some((_, after)) = text.split_once('%') {
            assert!(after.len() >= 2, "sliced without looking");
        }
    };
    let good = vec![b"name=J%C3%B6rg&note=100%25".to_vec()];
    let found = fuzzer::fuzz(Seed(7), &good, careless).expect("it is found");
    assert_ne!(found, good[0], "a mutation, not the good input");
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let inputs_of = |seed| {
        let seen = std::cell::RefCell::new(Vec::new());
        fuzzer::fuzz(seed, &[b"one".to_vec(), b"two".to_vec()], |input| {
            seen.borrow_mut().push(input.to_vec());
        });
        seen.into_inner()
    };
    assert_eq!(inputs_of(Seed(1)), inputs_of(Seed(1)));
    assert_ne!(inputs_of(Seed(1)), inputs_of(Seed(2)));
}
