#!/bin/bash
# One node of cluster A is a hundred nodes of cluster B: the chart `nodes`, on two control planes of its own.
#
# What is done to them is shown as you would type it on clusters of your own. Nothing is left, however it ends.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH="$PWD/.venv/bin:$PATH"
NODES=100
LEASE=20

# NB: what is shown stays out of pipes and redirections.
exec 3>&1
# NB: `…` in place of $(…) once there are traps: bash 5.2 reads a trap as a part of the $(…) that it is about to expand
# when the signal comes, and then ends with "unexpected EOF" in place of what the trap says.
say() { printf '\n==> %s\n' "$*" >&3; }
fail() { printf '\nerror: %s\n' "$*" >&2; exit 1; }
# Run a command on a cluster; env_a and env_b are what `autox cluster env` prints of them.
on() { local env="env_$1"; (eval "${!env}"; "${@:2}"); }
# The same, shown.
a() { printf '  A$ %s\n' "$*" >&3; on a "$@"; }
b() { printf '  B$ %s\n' "$*" >&3; on b "$@"; }
# The nodes of B, each with its uid, which a node that was made anew would not have.
nodes() { on b kubectl get nodes -o jsonpath='{range .items[*]}{.metadata.name} {.metadata.uid}{"\n"}{end}'; }
# Wait until so many nodes of B are Ready.
await_ready() {
  local ready logs
  for _ in {1..90}; do
    ready=`on b kubectl get nodes | grep -c ' Ready '` || true
    if [ "$ready" = "$1" ]; then printf '  nodes of B that are Ready: %s\n' "$ready"; return; fi
    sleep 1
  done
  logs=`on a kubectl logs nodes-0 --tail=5 2>&1` || true
  fail "$ready nodes of B are Ready, not $1: $logs"
}

take_down() {
  trap '' INT TERM
  say "Taking both clusters down"
  # NB: a session of its own, which Ctrl-C at the terminal does not reach.
  for name in compression-a compression-b; do setsid --wait autox cluster down --name "$name" || true; done
}

for name in compression-a compression-b; do
  if autox cluster list | grep "^$name " > /dev/null; then
    echo "error: cluster $name is there already: autox cluster down --name $name takes it down" >&2
    exit 2
  fi
done
trap take_down EXIT
trap 'exit 130' INT TERM

say "Two control planes: A has one node, B has none"
autox cluster up --name compression-a > /dev/null
# NB: B misses a silent node after 10 seconds in place of 50, for the sake of those who watch; its nodes say every 5 that
# they are there (LEASE / 4).
autox cluster up --name compression-b --nodes 0 --set controllerManager.flags.node-monitor-grace-period=10s > /dev/null
env_a=`autox cluster env --name compression-a`
env_b=`autox cluster env --name compression-b`

say "B: what the agents may do there, and nothing else"
server=`on b kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}'`
b helm install nodes charts/nodes --set install=identity --set server="$server" --set nodesPerReplica=$NODES > /dev/null
b kubectl wait secret/nodes --for='jsonpath={.data.token}' --timeout=30s

say "A: their kubeconfig as a Secret, and one agent"
get=(kubectl get secret nodes -o go-template-file=charts/nodes/kubeconfig.gotemplate)
create=(kubectl create secret generic cluster-b --from-file=kubeconfig=/dev/stdin)
printf '  B$ %s |\n  A$ %s\n' "${get[*]}" "${create[*]}"
on b "${get[@]}" | on a "${create[@]}"
a helm install nodes charts/nodes --set kubeconfigSecret=cluster-b --set nodesPerReplica=$NODES \
  --set nodeLeaseDurationSeconds=$LEASE > /dev/null
a kubectl rollout status statefulset/nodes --timeout=60s

say "One node of A is $NODES nodes of B"
await_ready $NODES
before=`nodes`
a kubectl get nodes
b kubectl get nodes virtual-0-0 virtual-0-$((NODES - 1))

say "B rolls out a Deployment of 100 pods on them, and then its next version"
b kubectl apply -f examples/compression/crowd.yaml
b kubectl rollout status deployment/crowd --timeout=120s | tail -n 1
b kubectl set image deployment/crowd crowd=example.com/crowd:2
b kubectl rollout status deployment/crowd --timeout=120s | tail -n 1

say "The agent is lost; its replacement continues with the same nodes"
a kubectl delete pod nodes-0 --now
a kubectl rollout status statefulset/nodes --timeout=60s
b kubectl scale deployment/crowd --replicas=150
b kubectl rollout status deployment/crowd --timeout=120s | tail -n 1

say "Without any agent B misses its nodes; the next one brings them back"
a kubectl scale statefulset/nodes --replicas=0
await_ready 0
a kubectl scale statefulset/nodes --replicas=1
await_ready $NODES
after=`nodes`
[ "$after" = "$before" ] || fail "the nodes of B are not the same any more"
printf '  the same %s nodes, by name and uid\n' $NODES

say "Done with them: first the agents go, then their nodes, then the identity"
a helm uninstall nodes --wait
b autox nodes remove --name-prefix virtual-
b helm uninstall nodes
