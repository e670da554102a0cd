//! Figures and tables, written when they are whole.

use super::{
    super::inline::{described, destination},
    Marking, Table,
};

impl Marking {
    pub(super) fn end_figure(&mut self) {
        let Some(figure) = self.figure.take() else { return };
        let caption = figure.caption.split_whitespace().collect::<Vec<_>>().join(" ");
        let plain = figure.marked.replace('\\', "") == caption.replace('\\', "");
        if let Some((address, alt)) = figure.picture {
            let picture = format!("![{}]({}", described(&alt), destination(&address));
            if caption.is_empty() || !plain {
                self.write_block(&format!("{picture})"));
            } else {
                let title = caption.replace('\\', "\\\\").replace('"', "\\\"");
                self.write_block(&format!("{picture} \"{title}\")"));
                return;
            }
        }
        if !figure.marked.is_empty() {
            self.write_block(&figure.marked);
        }
    }

    pub(super) fn end_table(&mut self) {
        let Some(Table { mut rows, .. }) = self.table.take() else { return };
        rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
        let Some(wide) = rows.iter().map(Vec::len).max() else { return };
        let mut lines = Vec::with_capacity(rows.len() + 1);
        for (at, row) in rows.iter().enumerate() {
            let mut line = String::from("|");
            for column in 0..wide {
                line.extend([" ", row.get(column).map_or("", String::as_str), " |"]);
            }
            lines.push(line);
            if at == 0 {
                lines.push(format!("|{}", " --- |".repeat(wide)));
            }
        }
        self.write_block(&lines.join("\n"));
    }
}
