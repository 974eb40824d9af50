# fish completion of revlora(1)

set -l commands merge unmerge swap verify info demo help
complete -c revlora -n "not __fish_seen_subcommand_from $commands" -f
complete -c revlora -n "not __fish_seen_subcommand_from $commands" -l version -d 'Print the version'
complete -c revlora -s h -l help -d 'Explain the program or the command'

set -l start "not __fish_seen_subcommand_from $commands"
complete -c revlora -n "$start" -a merge -d 'Merge adapters into a model, in place'
complete -c revlora -n "$start" -a unmerge -d 'Bring a merged model back, bit for bit'
complete -c revlora -n "$start" -a swap -d 'Put other adapters in the place of those merged'
complete -c revlora -n "$start" -a verify -d 'Tell whether a model is at its base, or merged'
complete -c revlora -n "$start" -a info -d 'Tell what a model, adapter or undo file is'
complete -c revlora -n "$start" -a demo -d 'Show it on a real model'
complete -c revlora -n "$start" -a help -d 'Explain a command'
complete -c revlora -n "__fish_seen_subcommand_from help" -f -a "$commands"

set -l in_merge "__fish_seen_subcommand_from merge"
complete -c revlora -n "$in_merge" -l strength -x -d 'One strength for all adapters'
complete -c revlora -n "$in_merge" -l out -r -d 'Write a new file or folder'
complete -c revlora -n "$in_merge" -l overwrite-undo -d 'Write over one that leads another model back'
complete -c revlora -n "__fish_seen_subcommand_from swap" -l to -r -d 'The adapters that it shall have then'
complete -c revlora -n "__fish_seen_subcommand_from info" -l tensors -d 'Name each tensor'

set -l merging "__fish_seen_subcommand_from merge swap"
complete -c revlora -n "$merging" -l recipe -x -a "fused rounded_delta peft" -d 'How the sum is rounded'
complete -c revlora -n "$merging" -l fan-in-fan-out -x -a "yes no" -d 'Whether square weights lie as [in, out]'
complete -c revlora -n "$merging" -l allow-unused -d 'Go on without what cannot be merged'
complete -c revlora -n "$merging" -l no-embed -d 'Leave the factors out of the undo file'

set -l restoring "__fish_seen_subcommand_from unmerge swap"
complete -c revlora -n "$restoring" -l adapter -r -d 'Where the merged adapters are now'

set -l writing "__fish_seen_subcommand_from merge unmerge swap"
complete -c revlora -n "$writing" -l force -d 'Replace files that are read-only, too'
complete -c revlora -n "$writing" -l no-sync -d 'Do not wait until files are on disk'
complete -c revlora -n "$writing" -l threads -x -d 'How many threads compute'
complete -c revlora -n "$writing" -l dry-run -d 'Write nothing, only say what would be done'

set -l with_undo "__fish_seen_subcommand_from merge unmerge swap verify"
complete -c revlora -n "$with_undo" -l undo -r -d 'The undo file'

set -l telling "__fish_seen_subcommand_from merge unmerge swap verify info"
complete -c revlora -n "$telling" -l weights -x -d 'Which of several sets of weights'
complete -c revlora -n "$telling" -l json -d 'Print one JSON object'
complete -c revlora -n "$telling" -l quiet -d 'Show no progress'
