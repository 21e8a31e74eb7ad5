//! Kubernetes: an Indexed Job, a pod a shard (<https://kubernetes.io/docs/concepts/workloads/controllers/job/>).

use camino::Utf8Path;

use super::Work;
use crate::text::shell_word;

impl Work {
    /// The manifest; `folder` is what all files of the work lie in.
    #[must_use]
    pub fn kubernetes(&self, folder: &Utf8Path) -> String {
        // Kubernetes puts in variables, `$(NAME)`, before a shell sees them; `$$` is one `$`
        // (<https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/>).
        let command = format!("k=$((JOB_COMPLETION_INDEX + 1)); exec {}", self.shard_command()).replace('$', "$$");
        let at_once = self.at_once.unwrap_or(self.shards).min(self.shards);
        [self.kubernetes_head(folder), self.kubernetes_job(at_once), pod(&yaml(&command), &yaml(folder.as_str()))]
            .concat()
    }

    /// What is to be known and done, as comments.
    fn kubernetes_head(&self, folder: &Utf8Path) -> String {
        let name = self.name();
        format!(
            "# Grades {shards} shards on Kubernetes, a pod each. To be said for your cluster, at the places marked <-:\n\
             # the image (sockspec at {executable}, bubblewrap, and the languages that students may use) and the\n\
             # claim of a volume that many pods can write to at the same time (ReadWriteMany), whose root is what\n\
             # is {folder} here.\n\
             #\n\
             # Run it, and join the shards when it has ended, wherever that folder can be seen and by the same\n\
             # sockspec; what has failed is said then, and the same again goes on with it:\n\
             #   kubectl delete --ignore-not-found job/{name}\n\
             #   kubectl apply -f THIS.yaml\n\
             #   until kubectl get job/{name} -o 'jsonpath={{.status.conditions[*].type}}' | grep -qwE 'Complete|Failed'; do sleep 10; done\n\
             #   {join}\n\
             # A pod that has failed is started again, and goes on {from}. How far each is stands in\n\
             # {progress}/*.json.\n",
            from = self.goes_on_from(),
            shards = self.shards,
            executable = shell_word(self.executable.as_str()),
            folder = shell_word(folder.as_str()),
            join = self.join_command(),
            progress = shell_word(self.shards_folder().as_str()),
        )
    }

    fn kubernetes_job(&self, at_once: u32) -> String {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\nspec:\n  completionMode: Indexed\n  \
             completions: {shards}\n  parallelism: {at_once}\n  backoffLimitPerIndex: 3\n",
            name = self.name(),
            shards = self.shards,
        )
    }
}

/// The rest of the Job. A mistake in the command line (2) is the same the next time; that a node is drained
/// is no failure.
fn pod(command: &str, folder: &str) -> String {
    format!(
        r#"  podFailurePolicy:
    rules:
      - action: FailIndex             # wrong usage: to start it again would not help
        onExitCodes: {{ containerName: sockspec, operator: In, values: [2] }}
      - action: Ignore                # the node was drained
        onPodConditions: [{{ type: DisruptionTarget, status: "True" }}]
  template:
    spec:
      restartPolicy: Never
      # A private network for each program is made of user namespaces. In a pod they need four things: a user
      # namespace of the pod's own, an unmasked /proc, and no seccomp or AppArmor profile of the runtime's.
      # Where the cluster forbids them (Pod Security "baseline" does), take them away: programs are then graded
      # behind weaker walls ("confined"), and each report says so. `sockspec doctor` in a pod tells.
      # `hostUsers: false` also wants volumes whose file system can map users (Linux: ID-mapped mounts), which NFS
      # cannot: on such a claim no pod begins until that line is away.
      hostUsers: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000               # <- who may write to the volume
        runAsGroup: 1000
        fsGroup: 1000
        seccompProfile: {{ type: Unconfined }}
        appArmorProfile: {{ type: Unconfined }}
      containers:
        - name: sockspec
          image: sockspec:{version}       # <- the image
          command: ["/bin/sh", "-c"]
          args: [{command}]
          securityContext:
            procMount: Unmasked
            allowPrivilegeEscalation: false
            capabilities: {{ drop: [ALL] }}
          resources:
            requests: {{ cpu: "2", memory: 2Gi }}
            limits: {{ cpu: "2", memory: 4Gi }}
          env:
            - {{ name: HOME, value: /tmp }}
          volumeMounts:
            - {{ name: course, mountPath: {folder} }}
            - {{ name: scratch, mountPath: /tmp }}
      volumes:
        - name: course
          persistentVolumeClaim: {{ claimName: course }}    # <- the claim
        - name: scratch
          emptyDir: {{}}
"#,
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// A text as YAML has it: JSON's strings are YAML's (<https://yaml.org/spec/1.2.2/#12-overview-of-yaml>).
pub(super) fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
