//! Which parts a template includes, and whether any includes itself in the end.

use handlebars::{Handlebars, Template, template::TemplateElement};

/// The parts that include each other without end, as "a > b > a".
pub(super) fn find_circle(registry: &Handlebars<'static>) -> Option<String> {
    let mut names: Vec<&String> = registry.get_templates().keys().collect();
    names.sort();
    names.into_iter().find_map(|name| follow(registry, name, &mut Vec::new()))
}

fn follow<'a>(registry: &'a Handlebars<'static>, name: &'a str, trail: &mut Vec<&'a str>) -> Option<String> {
    if trail.contains(&name) {
        trail.push(name);
        return Some(trail.join(" > "));
    }
    trail.push(name);
    let mut parts = Vec::new();
    if let Some(template) = registry.get_template(name) {
        included(template, &mut parts);
    }
    let circle = parts.into_iter().find_map(|part| follow(registry, part, trail));
    trail.pop();
    circle
}

/// The names of the parts that `template` includes.
fn included<'a>(template: &'a Template, parts: &mut Vec<&'a str>) {
    for element in &template.elements {
        match element {
            TemplateElement::HelperBlock(block) => {
                for inner in [&block.template, &block.inverse].into_iter().flatten() {
                    included(inner, parts);
                }
            }
            TemplateElement::PartialExpression(part) | TemplateElement::PartialBlock(part) => {
                parts.extend(part.name.as_name());
                if let Some(inner) = &part.template {
                    included(inner, parts);
                }
            }
            _ => {}
        }
    }
}
