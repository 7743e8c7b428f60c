//! An error and what led to it, in one sentence.

/// The error, then each of its causes. Many errors name their cause themselves: it is not said twice.
pub fn explain(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |said, cause| {
        let cause = cause.to_string();
        if said.contains(&cause) { said } else { format!("{said}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn a_cause_that_was_named_already_is_not_said_again() {
        let cause = || std::io::Error::other("no route to the host");
        let told = anyhow::Error::new(cause()).context("cannot connect: no route to the host");
        assert_eq!(explain(&told), "cannot connect: no route to the host");
        let untold = anyhow::Error::new(cause()).context("cannot connect");
        assert_eq!(explain(&untold), "cannot connect: no route to the host");
    }
}
