//! What people call a field when they do not use its label.

use super::{Field, FieldType};

/// Names for the field that asks what a business is called.
const BUSINESS: &[&str] = &[
    "company",
    "company name",
    "business",
    "business name",
    "name of the business",
    "name of my business",
    "name of our business",
    "name of the company",
    "name of my company",
    "name of our company",
    "shop",
    "shop name",
    "store",
    "store name",
    "firm",
    "agency",
    "practice",
    "restaurant",
    "brand",
    "brand name",
    "studio",
    "negocio",
    "empresa",
];
/// Words in a label that make it one.
const BUSINESS_WORDS: [&str; 9] =
    ["business", "company", "brand", "firm", "shop", "store", "organization", "negocio", "empresa"];
/// What people count themselves in.
const STAFF: &[&str] = &[
    "employees",
    "employee",
    "people",
    "persons",
    "staff",
    "workers",
    "team members",
    "of us",
    "empleados",
    "personas",
    "trabajadores",
];

impl Field {
    /// The ordinary names of what it asks for, folded, besides its label and id.
    pub(crate) fn ordinary_names(&self) -> &'static [&'static str] {
        match self.kind {
            FieldType::PersonName => {
                &["name", "full name", "contact name", "contact person", "nombre", "nombre completo"]
            }
            FieldType::Phone => &[
                "number",
                "phone",
                "phone number",
                "cell",
                "cell phone",
                "cell number",
                "mobile",
                "mobile number",
                "telephone",
                "telephone number",
                "cellphone",
                "numero",
                "telefono",
                "numero de telefono",
                "celular",
                "movil",
            ],
            FieldType::Email => {
                &["email", "e-mail", "e mail", "email address", "mail", "correo", "correo electronico"]
            }
            FieldType::Url => &[
                "website",
                "website address",
                "site",
                "web site",
                "url",
                "web address",
                "web page",
                "webpage",
                "domain",
                "web",
                "sitio",
                "sitio web",
                "pagina",
                "pagina web",
            ],
            FieldType::Date => &["date", "day", "fecha", "dia"],
            FieldType::Time => &["time", "hora"],
            FieldType::Currency => &["budget", "price", "amount", "presupuesto", "precio", "monto"],
            FieldType::Address => &["address", "location", "street address", "direccion", "domicilio"],
            FieldType::BusinessHours => {
                &["hours", "opening hours", "business hours", "schedule", "horario", "horas", "horarios"]
            }
            FieldType::File => &["file", "logo", "photo", "picture", "archivo", "foto", "imagen"],
            FieldType::Text if self.asks_for_a_business() => BUSINESS,
            FieldType::Number if self.counts_people() => STAFF,
            FieldType::Text
            | FieldType::LongText
            | FieldType::Number
            | FieldType::Boolean
            | FieldType::Select
            | FieldType::MultiSelect => &[],
        }
    }

    /// Whether its label says that it asks for the name of a business.
    pub(crate) fn asks_for_a_business(&self) -> bool {
        let label = self.label.to_lowercase();
        let words = || label.split(|c: char| !c.is_alphanumeric());
        self.kind == FieldType::Text
            && words().any(|word| BUSINESS_WORDS.contains(&word))
            && words().filter(|word| !word.is_empty()).all(|word| {
                BUSINESS_WORDS.contains(&word)
                    || ["name", "your", "the", "of", "nombre", "de", "del", "tu", "la", "legal"]
                        .contains(&word)
            })
    }

    fn counts_people(&self) -> bool {
        let asked = format!("{} {}", self.label, self.prompt).to_lowercase();
        ["employee", "people", "staff", "team", "worker", "empleado", "persona", "trabaja"]
            .iter()
            .any(|word| asked.contains(word))
    }
}
