//! GitHub Actions: a matrix, a job a shard, and a job that joins what they leave
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>).

use super::Work;
use super::kubernetes::yaml;
use crate::text::shell_word;

/// "A matrix will generate a maximum of 256 jobs per workflow run."
pub const MOST: u32 = 256;

impl Work {
    /// The workflow. All paths of the work are relative to the repository's root.
    #[must_use]
    pub fn github(&self) -> String {
        let parts: Vec<String> = (1..=self.shards).map(|shard| shard.to_string()).collect();
        let at_once = self.at_once.map_or_else(String::new, |most| format!("      max-parallel: {most}\n"));
        let options: String = self.options.iter().map(|word| format!(" {}", shell_word(word))).collect();
        let export = shell_word(self.export.as_str());
        let out = shell_word(self.out.as_str());
        // As a task: its status is 0 when all is done, whatever that says of the students, and a breakdown is none.
        let grade = format!(
            "sockspec batch {export} --out part --shard \"$SHARD\"/{} --progress part.json{options}",
            self.shards
        );
        let join = format!("sockspec merge {out} parts/*");
        let reports: String = self.reports.iter().map(|word| format!(" {}", shell_word(word))).collect();
        let report =
            format!("sockspec report {out}{}", if reports.is_empty() { " --report csv=grades.csv" } else { &reports });
        let written = self.reports.iter().filter_map(|word| Some(word.split_once('=')?.1));
        let written: Vec<&str> = if self.reports.is_empty() { vec!["grades.csv"] } else { written.collect() };
        let result = format!("{}/sockspec.db\n{}", self.out, written.join("\n"));
        format!(
            "{HEAD}jobs:\n  grade:\n    runs-on: ubuntu-latest\n    timeout-minutes: 350\n    strategy:\n      \
             fail-fast: false\n{at_once}      matrix:\n        shard: [{shards}]\n    env:\n      \
             SHARD: ${{{{ matrix.shard }}}}\n    steps:\n{SETUP}      - run: {grade}\n      \
             - uses: actions/upload-artifact@v4\n        if: always()\n        \
             with: {{ name: \"part-${{{{ matrix.shard }}}}\", path: \"part/sockspec.db*\", if-no-files-found: error }}\n  \
             join:\n    needs: grade\n    if: ${{{{ !cancelled() }}}}\n    runs-on: ubuntu-latest\n    \
             timeout-minutes: 60\n    env:\n      GRADED: ${{{{ needs.grade.result }}}}\n    steps:\n{SETUP}      - uses: actions/download-artifact@v4\n        \
             with: {{ pattern: \"part-*\", path: parts }}\n      - run: {join}\n      - run: {report}\n      \
             - uses: actions/upload-artifact@v4\n        with: {{ name: result, path: {result} }}\n      \
             - name: All shards are there, each graded to its end\n        run: {whole}\n",
            shards = parts.join(", "),
            grade = yaml(&grade),
            join = yaml(&join),
            report = yaml(&report),
            result = yaml(&result),
            whole = yaml(&self.github_whole()),
        )
    }

    /// Fails where something is lacking. It comes last: what there is has been written by then.
    fn github_whole(&self) -> String {
        format!(
            "there=$(ls parts/*/sockspec.db | wc -l); if [ \"$there\" -ne {all} ] || [ \"$GRADED\" != success ]; then \
             echo \"::error::$there of {all} shards are there, and grading ended with: $GRADED. Run the failed jobs \
             again.\"; exit 1; fi",
            all = self.shards
        )
    }
}

const HEAD: &str = "\
# Grades in shards, a job each, and joins them. Put it into .github/workflows of a PRIVATE repository that holds
# the export: whoever may read the repository may read the results.
name: grade
on: workflow_dispatch
permissions:
  contents: read
";

/// Ubuntu keeps ordinary users from the namespaces that a private network is made of.
const SETUP: &str = "      - uses: actions/checkout@v4
      - run: sudo apt-get update && sudo apt-get install -y --no-install-recommends bubblewrap
      - run: sudo sysctl -e -w kernel.apparmor_restrict_unprivileged_userns=0
      # Or bring a binary of your own: all that is needed is `sockspec` on the PATH.
      - run: command -v sockspec || cargo install --locked sockspec
";
