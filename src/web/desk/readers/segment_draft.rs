//! A segment as it is typed: a tree of conditions that may be unfinished, in the fields of a form.
//!
//! The form says its shape in a field of its own, `(` and `)` around a group and a dot for a condition, so that a page without a script can
//! add and take away; what stands where is in the names of the other fields.

use serde::Serialize;

use super::segment_condition::{Choice, Input, Named, TypedCondition, choices};
use crate::{
    segments::{DEEPEST, MOST_CONDITIONS, SegmentTree},
    web::Form,
    words,
};

/// What the names of all fields begin with.
pub(super) const BEGIN: &str = "c";

words! {
    /// How the members of a group belong together.
    enum How {
        All = "all",
        Any = "any",
        None = "none",
    }
}

/// A group, with its members.
pub(super) struct Draft {
    how: How,
    members: Vec<Member>,
}

enum Member {
    Group(Draft),
    One(TypedCondition),
}

/// A part of the page, in its order.
#[derive(Serialize)]
pub(super) struct Part {
    /// A group begins.
    opens: bool,
    /// A group ends.
    closes: bool,
    /// It is the whole.
    is_all: bool,
    path: String,
    /// What the members of a group have to be, or what a condition is about.
    choices: Vec<Choice>,
    is_not: bool,
    inputs: Vec<Input>,
    error: String,
    may_add: bool,
    may_group: bool,
    /// Where a button leads: what it adds, or what stays where it takes away.
    to: String,
}

/// The names of the fields that a form of that shape has; none if it is no shape of ours.
pub(super) fn names(shape: &str) -> Option<Vec<String>> {
    let draft = of_shape(shape)?;
    let mut names = Vec::new();
    draft.each_name(BEGIN, &mut names);
    Some(names)
}

fn of_shape(shape: &str) -> Option<Draft> {
    let mut open: Vec<Draft> = Vec::new();
    let (mut whole, mut ones) = (None, 0);
    for sign in shape.chars() {
        if whole.is_some() {
            return None;
        }
        match sign {
            '(' if open.len() < DEEPEST => open.push(Draft::empty()),
            ')' => {
                let ended = open.pop()?;
                match open.last_mut() {
                    Some(outer) => outer.members.push(Member::Group(ended)),
                    None => whole = Some(ended),
                }
            }
            '.' if ones < MOST_CONDITIONS => {
                ones += 1;
                open.last_mut()?.members.push(Member::One(TypedCondition::default()));
            }
            _ => return None,
        }
        // Empty groups in a row are no form of ours, either.
        if open.iter().map(|group| group.members.len()).sum::<usize>() > 2 * MOST_CONDITIONS {
            return None;
        }
    }
    whole
}

impl Draft {
    const fn empty() -> Self {
        Self { how: How::All, members: Vec::new() }
    }

    /// What a new segment begins with.
    pub(super) fn new() -> Self {
        Self { how: How::All, members: vec![Member::One(TypedCondition::default())] }
    }

    /// As a form that was sent has it; none where it is no form of ours.
    pub(super) fn read(form: &Form) -> Option<Self> {
        let mut draft = of_shape(form.text("shape"))?;
        draft.fill(BEGIN, form);
        Some(draft)
    }

    pub(super) fn shape(&self) -> String {
        let member = |member: &Member| match member {
            Member::Group(group) => group.shape(),
            Member::One(_) => ".".to_owned(),
        };
        format!("({})", self.members.iter().map(member).collect::<String>())
    }

    fn each_name(&self, path: &str, names: &mut Vec<String>) {
        names.push(format!("{path}-how"));
        for (at, member) in self.members.iter().enumerate() {
            let path = format!("{path}-{at}");
            match member {
                Member::Group(group) => group.each_name(&path, names),
                Member::One(_) => names.extend(TypedCondition::names(&path)),
            }
        }
    }

    fn fill(&mut self, path: &str, form: &Form) {
        self.how = How::parse(form.text(&format!("{path}-how"))).unwrap_or(How::All);
        for (at, member) in self.members.iter_mut().enumerate() {
            let path = format!("{path}-{at}");
            match member {
                Member::Group(group) => group.fill(&path, form),
                Member::One(one) => one.fill(&path, form),
            }
        }
    }

    fn count(&self) -> usize {
        let of = |member: &Member| match member {
            Member::Group(group) => group.count(),
            Member::One(_) => 1,
        };
        self.members.iter().map(of).sum()
    }

    /// What a button of the page does: `add`, `group` or `remove`, and to which path. Nothing where there is no such.
    pub(super) fn press(&mut self, button: &str) {
        let Some((act, path)) = button.split_once(' ') else { return };
        let is_full = self.count() >= MOST_CONDITIONS;
        let Some(places) = path.strip_prefix(BEGIN) else { return };
        let places: Option<Vec<usize>> =
            places.split('-').filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect();
        let Some(places) = places else { return };
        match act {
            "remove" => {
                let Some((last, outer)) = places.split_last() else { return };
                if let Some(group) = self.at(outer)
                    && *last < group.members.len()
                {
                    group.members.remove(*last);
                }
            }
            "add" if !is_full => {
                if let Some(group) = self.at(&places) {
                    group.members.push(Member::One(TypedCondition::default()));
                }
            }
            "group" if !is_full && places.len() + 1 < DEEPEST => {
                if let Some(group) = self.at(&places) {
                    group.members.push(Member::Group(Self { how: How::Any, ..Self::new() }));
                }
            }
            _ => {}
        }
    }

    fn at(&mut self, places: &[usize]) -> Option<&mut Self> {
        let mut group = self;
        for place in places {
            match group.members.get_mut(*place)? {
                Member::Group(inner) => group = inner,
                Member::One(_) => return None,
            }
        }
        Some(group)
    }

    /// As a kept tree reads in the form.
    pub(super) fn of(tree: &SegmentTree) -> Self {
        match member(tree, false) {
            Member::Group(group) => group,
            one => Self { how: How::All, members: vec![one] },
        }
    }

    /// The tree, where each condition says enough; what does not, says so in the form.
    pub(super) fn tree(&mut self, named: &Named) -> Option<SegmentTree> {
        let mut trees = Vec::new();
        let mut is_whole = true;
        for member in &mut self.members {
            match member {
                Member::Group(group) => match group.tree(named) {
                    Some(tree) => trees.push(tree),
                    None => is_whole = false,
                },
                Member::One(one) => match one
                    .condition(named)
                    .and_then(|is| SegmentTree::Is(is).checked().map_err(|why| why.to_string()))
                {
                    Ok(is) => {
                        trees.push(if one.is_not { SegmentTree::Not(Box::new(is)) } else { is });
                    }
                    Err(why) => {
                        one.error = why;
                        is_whole = false;
                    }
                },
            }
        }
        is_whole.then(|| match self.how {
            How::All => SegmentTree::All(trees),
            How::Any => SegmentTree::Any(trees),
            How::None => SegmentTree::Not(Box::new(SegmentTree::Any(trees))),
        })
    }

    /// What has to be said is not said yet: somebody is still at it.
    pub(super) fn forgives(&mut self) {
        for member in &mut self.members {
            match member {
                Member::Group(group) => group.forgives(),
                Member::One(one) => one.error.clear(),
            }
        }
    }

    /// The parts of the page.
    pub(super) fn parts(&self, named: &Named, action: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        self.each_part(BEGIN, 1, self.count() < MOST_CONDITIONS, named, &mut parts);
        parts.iter_mut().for_each(|part| part.to.insert_str(0, action));
        parts
    }

    fn each_part(&self, path: &str, depth: usize, may_add: bool, named: &Named, parts: &mut Vec<Part>) {
        let how = [
            ("all", "All of these are true"),
            ("any", "One of these is true at least"),
            ("none", "None of these is true"),
        ];
        let part = |opens: bool| Part {
            opens,
            closes: !opens,
            is_all: depth == 1,
            path: path.to_owned(),
            choices: choices(how, self.how.as_str()),
            is_not: false,
            inputs: Vec::new(),
            error: String::new(),
            may_add,
            may_group: may_add && depth < DEEPEST,
            to: format!("#{path}-{}", self.members.len()),
        };
        parts.push(part(true));
        for (at, member) in self.members.iter().enumerate() {
            let path = format!("{path}-{at}");
            match member {
                Member::Group(group) => group.each_part(&path, depth + 1, may_add, named, parts),
                Member::One(one) => parts.push(Part {
                    opens: false,
                    closes: false,
                    is_all: false,
                    choices: one.subjects(),
                    is_not: one.is_not,
                    inputs: one.inputs(&path, named),
                    error: one.error.clone(),
                    may_add,
                    may_group: false,
                    to: format!("#{path}-what"),
                    path,
                }),
            }
        }
        parts.push(part(false));
    }
}

fn member(tree: &SegmentTree, is_not: bool) -> Member {
    let group = |how, trees: &[SegmentTree]| Draft {
        how,
        members: trees.iter().map(|tree| member(tree, false)).collect(),
    };
    match (tree, is_not) {
        (SegmentTree::Is(condition), _) => {
            let mut one = TypedCondition::of(condition);
            one.is_not = is_not;
            Member::One(one)
        }
        (SegmentTree::Not(tree), _) => member(tree, !is_not),
        (SegmentTree::All(trees), false) => Member::Group(group(How::All, trees)),
        (SegmentTree::Any(trees), false) => Member::Group(group(How::Any, trees)),
        (SegmentTree::Any(trees), true) => Member::Group(group(How::None, trees)),
        (SegmentTree::All(trees), true) => {
            Member::Group(Draft { how: How::None, members: vec![Member::Group(group(How::All, trees))] })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segments::{AnswerTest, Condition, GiftMeasure, Gifts, ListStanding, When};

    fn named() -> Named {
        Named {
            lists: Vec::new(),
            topics: Vec::new(),
            fields: Vec::new(),
            forms: Vec::new(),
            editions: Vec::new(),
            segments: Vec::new(),
            currency: "EUR".to_owned(),
        }
    }

    /// What is kept reads the same in the form, and back.
    #[test]
    fn a_tree_comes_back_as_it_was() {
        let day = "2026-05-12".parse().expect("a day");
        let is = SegmentTree::Is;
        let gifts = Gifts {
            currency: "EUR".to_owned(),
            measure: GiftMeasure::Sum,
            least: Some(1_250),
            most: None,
            from: Some(day),
            to: None,
        };
        let field = |answer| is(Condition::Field { field: 4, answer });
        let tree = SegmentTree::All(vec![
            is(Condition::List { list: Some(1), stands: ListStanding::Rests }),
            SegmentTree::Not(Box::new(is(Condition::Domain { domain: "example.org".to_owned() }))),
            SegmentTree::Any(vec![
                is(Condition::Joined { when: When::Within(30) }),
                is(Condition::LastGave { when: When::Before(day) }),
                field(AnswerTest::Number { least: Some(-250), most: Some(1_200) }),
                field(AnswerTest::YesNo(false)),
            ]),
            SegmentTree::Not(Box::new(SegmentTree::Any(vec![
                is(Condition::Gave { gifts }),
                is(Condition::Stopped { reason: None }),
                is(Condition::Rhythm { list: None, rhythm: None }),
            ]))),
        ]);
        let mut draft = Draft::of(&tree);
        assert_eq!(draft.shape(), "(..(....)(...))");
        assert_eq!(draft.tree(&named()), Some(tree));
    }

    /// TRUST A16: no shape makes a form larger than ours are.
    #[test]
    fn only_shapes_of_ours_are_read() {
        for (shape, is_ours) in [
            ("(.)", true),
            ("()", true),
            ("(.(.(.)))", true),
            ("", false),
            (".", false),
            ("(", false),
            ("(.))", false),
            ("(.)(.)", false),
            ("(x)", false),
            ("((((((.))))))", false),
        ] {
            assert_eq!(names(shape).is_some(), is_ours, "{shape}");
        }
        assert!(names(&format!("({})", ".".repeat(31))).is_none());
        assert!(names(&format!("({})", "()".repeat(5_000))).is_none());
    }

    /// What a condition may not be is said where it stands; gifts may be asked for without an amount.
    #[test]
    fn what_is_wrong_is_said_where_it_stands() {
        let mut draft = of_shape("(..)").expect("a shape of ours");
        let form = Form::with_more(&[], names("(..)").expect("a shape of ours"));
        draft.fill(
            BEGIN,
            &form.with("c-0-what", "gave").with("c-0-from", "2026-01-01").with("c-1-what", "domain"),
        );
        assert_eq!(draft.tree(&named()), None);
        let errors: Vec<String> = draft.parts(&named(), "/here").into_iter().map(|part| part.error).collect();
        assert_eq!(errors[1], "");
        assert!(errors[2].contains("behind the @"), "{errors:?}");
        draft.press("remove c-1");
        let Some(SegmentTree::All(trees)) = draft.tree(&named()) else { panic!("it is whole") };
        let SegmentTree::Is(Condition::Gave { gifts }) = &trees[0] else { panic!("gifts") };
        assert_eq!((gifts.least, gifts.most), (Some(1), None));
        let parts = Draft::of(&SegmentTree::All(trees)).parts(&named(), "/here");
        let least = parts[1].inputs.iter().find(|input| input.name == "c-0-least").expect("an amount");
        assert_eq!(least.value, "", "as it was typed");
    }

    #[test]
    fn buttons_add_and_take_away() {
        let mut draft = Draft::new();
        for (press, shape) in [
            ("add c", "(..)"),
            ("group c", "(..(.))"),
            ("add c-2", "(..(..))"),
            ("remove c-0", "(.(..))"),
            ("remove c-1-0", "(.(.))"),
            ("remove c-7", "(.(.))"),
            ("add c-0", "(.(.))"),
            ("remove c", "(.(.))"),
            ("add x", "(.(.))"),
            ("remove c-1", "(.)"),
        ] {
            draft.press(press);
            assert_eq!(draft.shape(), shape, "{press}");
        }
    }
}
