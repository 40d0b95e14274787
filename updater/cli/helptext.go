package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// explanation is what the help says of a command beyond its one sentence. PROG stands
// for the program's name.
type explanation struct {
	text     string   // paragraphs, parted by an empty line
	examples []string // command lines
}

// explain is the explanation of a command by its path, "" being the root.
func explain(path string) explanation {
	switch path {
	case "":
		return explanation{"Without a command: update the installation to the newest level of its channel. Look first with --dry-run, go back with --revert. Where you and the vendor changed the same thing, nothing is changed, and exit code 3 says so: see resolve, then --continue.\n\n" +
			"Exit codes: 0 done, or nothing to do; 1 failed, all is as before; 2 wrong usage or settings; 3 conflicts; 4 was not well after its start, taken back; 5 another run is at work, or the product is running; 6 not to be trusted; 7 no valid subscription; 8 interrupted, the next run mends it; 10 check found an update, or verify a difference.",
			[]string{"PROG --dry-run", "PROG", "PROG --revert", "PROG help pack"}}
	case cmdStatus:
		return explanation{"Shows the installed level, the newest one, whether the vendor has withdrawn yours, how many files differ, the snapshots, and conflicts that wait. An interrupted update is finished or taken back first; exit code 8 says that this could not be done.", nil}
	case cmdResolve:
		return explanation{"Without flags: on a terminal each conflict is asked about, elsewhere they are listed, with what to type. Nothing of the installation changes before --continue. PATH is decided as a whole, or one place of it with --conflict; text may also be edited by hand where the list says that it lies, or be put beside the file as PATH.final.\n\n" +
			"What was decided is remembered once it was applied, and used again where the same three texts meet, here or in an installation that imports it. An exported file may hold passwords. Merge tools are started as git's configuration names them (merge.tool, mergetool.NAME.cmd and .path), cmd by sh -c with BASE, LOCAL, REMOTE and MERGED set.",
			[]string{"PROG resolve", "PROG resolve conf/server.xml --conflict 2 --take ours --why 'ticket 42'", "PROG resolve conf/server.xml --edit", "PROG resolve --export decided.txt", "PROG --continue"}}
	case cmdHistory:
		return explanation{"For each run: when, from which level to which, version, by whom, how it ended, its snapshot, and for how long files were being exchanged.\n\n" +
			"With the ID of a run, or its first letters: all that it added, replaced, merged, removed and kept, what it fixed, what is to be done by hand, and the command that goes back. The same lies in updates/logs as ID.md and ID.json.", []string{"PROG history", "PROG history 20261128T"}}
	case cmdVerify:
		return explanation{"Says of each path: edited, missing, of another kind, mode or owner, not of the release. Data, ignored paths and what the product derives from shipped files do not count. Files that nobody touched since they were installed are not read, unless --full is given. Exit code 10 says that something differs, configuration included unless --ignore-config is given.\n\n" +
			"With --fix the shipped bytes, mode and kind of each PATH, and of all below, are put back, as an update does it: what they replace is in a snapshot, and --revert undoes it. Name the whole installation as . (a dot).",
			[]string{"PROG verify", "PROG verify --full --ignore-config lib", "PROG verify --fix conf/server.xml --dry-run"}}
	case cmdDiff:
		return explanation{"The form is git's, for git apply and patch -p1. On standard output values that look like secrets are masked. -o FILE is exact, and readable for you alone. Binary files are left out, and listed.\n\n" +
			"With --level it is what the vendor changes: from the installed level to N, or with --to from level N to M.",
			[]string{"PROG diff", "PROG diff conf -o my-edits.patch", "PROG diff --level 17", "PROG diff --level 16 --to 17 conf"}}
	case cmdSupport:
		return explanation{"Versions, system, settings, trust, journal, snapshots, history, logs, and how the files compare with the release; also from an installation that is damaged or in the middle of an update. Values that look like secrets are masked, and no file of the product is in it. It writes nothing but FILE.",
			[]string{"PROG support -o case.md"}}
	case "backups":
		return explanation{"A snapshot holds what an update replaced or removed; --revert puts it back. How many are kept is said under backup in updates/settings.yaml.", nil}
	case cmdAdopt:
		return explanation{"Compares the directory HOME with every level of the repository, tells which one is installed and what you have edited, and puts bin/inplace, the launchers and updates/ in place. No file of the product is changed. Where the level cannot be told, the candidates are listed, nothing is changed, and --base decides. Run it as the owner of the installation.",
			[]string{"PROG adopt /opt/acme --source /srv/acme-updates", "PROG adopt /opt/acme --source /srv/acme-updates --root sha256:FINGERPRINT"}}
	case cmdGuard:
		return explanation{"Put it in front of what starts the product. An interrupted update is finished or taken back first, if the caller may do that.",
			[]string{"PROG guard || exit 1"}}
	case cmdMerge:
		return explanation{"OURS is your file, BASE what both sides began with, THEIRS the other side's. Known formats are merged by their keys, everything else by lines. The result goes to standard output, or into -o FILE.",
			[]string{"PROG merge conf/server.xml shipped.xml new.xml -o merged.xml", "git config merge.inplace.driver 'PROG merge --path %P -o %A %A %O %B'"}}
	case cmdPack:
		return explanation{"A pack holds what the vendor ships, nothing more: run in an installation or with --home it comes from the installation's source, else from --source. The suffix says the form; nothing is put above the tree, and nothing is ever overwritten.\n\n" +
			"With --with-edits it is what an update would leave: your edits merged, and your own files of configuration; data, ignored paths and what else is only yours stay out, the latter listed. Conflicts exit 3 and write nothing. Such a pack is as secret as your configuration.",
			[]string{"PROG pack --source /srv/acme-updates --level 17 -o acme.tar.zst", "PROG pack --with-edits -o mine.zip"}}
	case "release":
		return explanation{"A repository is a directory of files, to be put on any disk or web server. INPLACE_PASSPHRASE holds the passphrase of the keys; without it, it is asked for on a terminal.", nil}
	case "subscription":
		return explanation{"A subscription is a signed token (a JSON Web Token, EdDSA) that names a customer, channels and an end. Its key and the ledger of all subscriptions lie beside the private keys; subscriptions/keys.json and subscriptions/revoked.json in the repository let any server or gateway check tokens.", nil}
	case cmdSubShow:
		return explanation{"The token is looked for in INPLACE_TOKEN, in the file that the settings name as subscription or token-file, and where login keeps it. Where the source cannot be asked, it is checked by what was seen of it last. Exit code 7 says that the channel is for subscribers and none holds.",
			[]string{"PROG subscription show", "PROG subscription show --json"}}
	case cmdSubIssue:
		return explanation{"The token is all that the customer needs, and as secret as a password. A trial runs 14 days unless it is said otherwise.",
			[]string{"PROG subscription issue repo --keys keys --customer 'Example Ltd.' --channel full,security", "PROG subscription issue repo --keys keys --customer 'Example Ltd.' --type paid --days 365 --channel full -o token"}}
	case cmdFetch:
		return explanation{"A bundle is a part of a repository: all metadata, and what an update needs that comes from LEVEL or a newer one. Carry it to the installation and name it as the source: --source FILE; it is read where it is, and checked like any other source. Run in an installation or with --home it is fetched from the installation's source, else from --source. What was fetched before a cut is not fetched again.\n\n" +
			"A bundle is taken until the first of its metadata is past its date, which is printed; afterwards, and once something newer was seen, it is refused with exit code 6.",
			[]string{"PROG fetch -o acme.bundle", "PROG fetch --source https://updates.example.com/acme --root sha256:FINGERPRINT --from 16 -o acme.bundle", "PROG --source /media/usb/acme.bundle --dry-run"}}
	case cmdSubExtend:
		return explanation{"The new token has the same ID. Days count from the end that the subscription has, or from now where it has ended. The token before stays good until its own end.",
			[]string{"PROG subscription extend repo 5f0c31d2a9b84e77 --keys keys --days 14"}}
	case cmdInit:
		return explanation{"Keep the keys off the machine that serves the repository, and announce the fingerprint that is printed.",
			[]string{"PROG release init repo --keys keys --product product.yaml"}}
	case cmdAdd:
		return explanation{"TREE is the whole product as it is unpacked. Publishing the same tree again does nothing; another tree under the same level is refused.",
			[]string{"PROG release add repo acme-4.2.1 --level 17 --channel full --keys keys --notes notes.yaml"}}
	case cmdPromote:
		return explanation{"The level stays where it is, and what it consists of is not copied. Channel security takes a level only if all its fixes are of kind security.",
			[]string{"PROG release promote repo 17 --to security --keys keys"}}
	case cmdWithdraw:
		return explanation{"In all its channels at once. Whoever has it installed is told by status, with the reason, and goes on from it by an update or back by --revert. Publish a level that mends it as soon as there is one: nobody is moved by a withdrawal.",
			[]string{"PROG release withdraw repo 17 --reason 'loses sessions; go back, or wait for 18' --keys keys"}}
	case cmdChannel:
		return explanation{"Signed with the key of targets, so that whoever holds a channel's key alone cannot open it.",
			[]string{"PROG release channel repo security --subscription required --keys keys"}}
	case cmdUpdater:
		return explanation{"An updater that meets a level with a newer --updater-min fetches the one for its platform, checks it by signature and digest, and has it do the run. Platforms are in Go's names. Publish the updater before the level that asks for it. Nothing goes back: an older version, or other bytes of the same one, are refused.",
			[]string{"PROG release updater repo --keys keys --version 2.0.1 linux-amd64=build/inplace windows-amd64=build/inplace.exe"}}
	case cmdRefresh:
		return explanation{"For a cron job on the machine that publishes: it needs no other keys than those of snapshot and timestamp. What seldom changes is signed anew with --role and the keys of those roles, when a warning says so. A timestamp is valid for 60 days; after that operators' runs end with exit code 6.",
			[]string{"PROG release refresh /srv/repo --keys /etc/acme/online-keys"}}
	case "release keys":
		return explanation{"Roles are root, which says whose keys count, targets, snapshot, timestamp, and each channel. Clients follow by themselves: each change is signed by the keys before and the keys after. Give root and targets two keys or more, in different places; with a threshold of two no single key can be misused. A command that is run again after an interruption makes the change once more.", nil}
	case cmdSign:
		return explanation{"For keys on a machine without a network. A command with --export FILE publishes nothing and writes what is to be signed. Take FILE to each machine that has keys: sign shows what changes, and adds what its keys can sign; read it before you give it back. With --import it is published, as soon as every role has as many signatures as it wants, if nothing of it was published otherwise since.",
			[]string{"PROG release promote repo 17 --to security --keys keys --export to-sign", "PROG release sign to-sign --keys /media/keys", "PROG release sign repo --import to-sign --keys keys"}}
	case cmdKeysAdd:
		return explanation{"The key is made in DIR, as ROLE.ID.key; move it to where it is to be.",
			[]string{"PROG release keys add repo root --keys keys --threshold 2"}}
	case cmdKeysRotate:
		return explanation{"For keys that were stolen, or lost: as many new ones take their place, and the old count no more. Replace snapshot and timestamp together after a theft; clients then forget what the thief may have signed with them. The keys of root that count so far are always needed, and those of targets for a channel. ROLE may be subscription: the key that signs tokens; then every token issued so far is refused.",
			[]string{"PROG release keys rotate repo snapshot,timestamp --keys keys", "PROG release keys rotate repo root 5f0c31d2a9b8 --keys keys", "PROG release keys rotate repo subscription --keys keys"}}
	case cmdKeysRevoke:
		return explanation{"Refused where fewer keys than must sign would be left: lower --threshold as well, or rotate. KEYID may be the first digits of it.", nil}
	case cmdCheck:
		return explanation{"For monitoring: asks the source, and writes nothing in the installation. Says the installed level, the one that an update would go to, and how many fixes of each kind and severity it brings. Exit code 10 says that there is an update; anything but 0 and 10 that it could not be told.",
			[]string{"PROG check", "PROG check --json"}}
	case cmdLogin:
		return explanation{"Asks for a token, or with --user for a password, tries it, and keeps it for the scheme and host of ADDRESS in the user's configuration directory, readable for the user alone. Instead of a login: INPLACE_TOKEN, token-file, helper or netrc under transport in updates/settings.yaml, or ~/.netrc; in this order, before a login all but the last two.",
			[]string{"PROG login https://updates.example.com/acme", "PROG login https://updates.example.com/acme --user acme <password-file"}}
	case cmdServe:
		return explanation{"Answers GET and HEAD for the files of a repository, with ranges, ETags and times to cache, and nothing else; GET /healthz is for balancers. It keeps no state: any number may run on copies of the same files, and any other web server may take its place. SIGINT and SIGTERM end it after the answers under way, with exit code 0.",
			[]string{"PROG serve repo --listen :8480 --cert server.pem --key server.key --access-log access.log"}}
	case cmdCompletion:
		return explanation{"Commands, flags and values are completed, the levels and channels that this installation knows among them. The script is for the name that the program was called by.",
			[]string{"source <(PROG completion bash)", "source <(PROG completion zsh)", "PROG completion fish | source", "PROG completion powershell | Out-String | Invoke-Expression"}}
	case cmdDemo:
		return explanation{"Publishes, edits, updates into a conflict, updates, and reverts, and shows each command. Nothing outside the temporary directory is touched.", nil}
	}
	return explanation{}
}

// writeExplanation writes the explanation of the command at path.
func (p *printer) writeExplanation(path, name string) {
	e := explain(path)
	for paragraph := range strings.SplitSeq(e.text, "\n\n") {
		if paragraph != "" {
			p.gap()
			p.wrapped(0, paragraph)
		}
	}
	if len(e.examples) > 0 {
		p.gap()
		p.line("%s", styled{bold, "Examples"})
		for _, x := range e.examples {
			p.line("  %s", strings.ReplaceAll(x, "PROG", name))
		}
	}
}

// split parts the flags of a command from those that every command has.
func split(list []cli.Flag) (own, common []cli.Flag) {
	every := map[string]bool{}
	for _, f := range flags() {
		every[f.Names()[0]] = true
	}
	for _, f := range list {
		if every[f.Names()[0]] {
			common = append(common, f)
		} else {
			own = append(own, f)
		}
	}
	return own, common
}
