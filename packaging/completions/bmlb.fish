# Completion of bmlb for fish: bmlb completion fish | source

function __bmlb_targets
    bmlb vips --json 2>/dev/null | sed -n 's/^ *"\(address\|service\)": "\([^"]*\)",\{0,1\}$/\2/p' | sort -u
end

# Whether the line so far calls this command.
function __bmlb_at
    set -l command bmlb
    set -l value no
    for word in (commandline -opc)[2..]
        if test $value = yes
            set value no
            continue
        end
        switch "$command $word"
            case 'bmlb run' 'bmlb check' 'bmlb version' 'bmlb reload' 'bmlb drain' 'bmlb undrain' 'bmlb status' 'bmlb vips' 'bmlb explain' 'bmlb hosts' 'bmlb pools' 'bmlb bgp' 'bmlb bgp peers' 'bmlb bgp routes' 'bmlb bfd' 'bmlb rbac' 'bmlb completion'
                set command "$command $word"
            case 'bmlb run -c' 'bmlb run --config' 'bmlb check -c' 'bmlb check --config' 'bmlb reload --socket' 'bmlb drain --socket' 'bmlb undrain --socket' 'bmlb status --socket' 'bmlb vips --socket' 'bmlb explain --socket' 'bmlb hosts --socket' 'bmlb pools --socket' 'bmlb bgp peers --socket' 'bmlb bgp routes --socket' 'bmlb bfd --socket' 'bmlb rbac --host' 'bmlb rbac -c' 'bmlb rbac --config' 'bmlb rbac --namespace'
                set value yes
        end
    end
    test "$command" = "$argv"
end

complete -c bmlb -f
complete -c bmlb -n '__bmlb_at bmlb' -a run -d 'run the daemon in the foreground (systemd does this)'
complete -c bmlb -n '__bmlb_at bmlb' -a check -d 'check a configuration without starting anything'
complete -c bmlb -n '__bmlb_at bmlb' -a version -d 'print the version'
complete -c bmlb -n '__bmlb_at bmlb' -a reload -d 'have the daemon read its configuration again'
complete -c bmlb -n '__bmlb_at bmlb' -a drain -d 'have this host serve nothing that another host can, until it is undrained'
complete -c bmlb -n '__bmlb_at bmlb' -a undrain -d 'have this host serve again'
complete -c bmlb -n '__bmlb_at bmlb' -a status -d 'how this host is'
complete -c bmlb -n '__bmlb_at bmlb' -a vips -d 'every VIP, who answers for it and to whom it is announced'
complete -c bmlb -n '__bmlb_at bmlb' -a explain -d 'why an address does or does not answer here, and who should'
complete -c bmlb -n '__bmlb_at bmlb' -a hosts -d 'the hosts of the fleet as this one sees them'
complete -c bmlb -n '__bmlb_at bmlb' -a pools -d 'the pools and how full they are'
complete -c bmlb -n '__bmlb_at bmlb' -a bgp -d 'the BGP speaker'
complete -c bmlb -n '__bmlb_at bmlb' -a bfd -d 'the paths to BGP peers that are watched by BFD; the status is 1 if one is not up'
complete -c bmlb -n '__bmlb_at bmlb' -a rbac -d 'print what the cluster must allow bmlb, as manifests for kubectl apply -f -'
complete -c bmlb -n '__bmlb_at bmlb' -a completion -d 'print what a shell needs to complete the commands of bmlb'
complete -c bmlb -n '__bmlb_at bmlb' -s V -l version -d 'print the version'
complete -c bmlb -n '__bmlb_at bmlb' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb run' -s c -l config -r -F -d 'configuration file'
complete -c bmlb -n '__bmlb_at bmlb run' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb check' -s c -l config -r -F -d 'configuration file'
complete -c bmlb -n '__bmlb_at bmlb check' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb check' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb version' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb version' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb reload' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb reload' -l socket -r -F -d 'control socket of the daemon'
complete -c bmlb -n '__bmlb_at bmlb reload' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb drain' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb drain' -l socket -r -F -d 'control socket of the daemon'
complete -c bmlb -n '__bmlb_at bmlb drain' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb undrain' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb undrain' -l socket -r -F -d 'control socket of the daemon'
complete -c bmlb -n '__bmlb_at bmlb undrain' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb status' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb status' -l socket -r -F -d 'socket of the daemon'
complete -c bmlb -n '__bmlb_at bmlb status' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb vips' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb vips' -l socket -r -F -d 'socket of the daemon'
complete -c bmlb -n '__bmlb_at bmlb vips' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb explain' -a '(__bmlb_targets)'
complete -c bmlb -n '__bmlb_at bmlb explain' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb explain' -l socket -r -F -d 'socket of the daemon'
complete -c bmlb -n '__bmlb_at bmlb explain' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb hosts' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb hosts' -l socket -r -F -d 'socket of the daemon'
complete -c bmlb -n '__bmlb_at bmlb hosts' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb pools' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb pools' -l socket -r -F -d 'socket of the daemon'
complete -c bmlb -n '__bmlb_at bmlb pools' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb bgp' -a peers -d 'the BGP sessions, or all about one; the status is 1 if one is not established'
complete -c bmlb -n '__bmlb_at bmlb bgp' -a routes -d 'what was sent to a peer, or to all, with the attributes and for whom; and what waits, and for what'
complete -c bmlb -n '__bmlb_at bmlb bgp' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb bgp peers' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb bgp peers' -l socket -r -F -d 'socket of the daemon'
complete -c bmlb -n '__bmlb_at bmlb bgp peers' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb bgp routes' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb bgp routes' -l socket -r -F -d 'socket of the daemon'
complete -c bmlb -n '__bmlb_at bmlb bgp routes' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb bfd' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb bfd' -l socket -r -F -d 'socket of the daemon'
complete -c bmlb -n '__bmlb_at bmlb bfd' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb rbac' -l host -x -d 'an account of its own for this host, which may write no other host'\''s Lease; may be repeated'
complete -c bmlb -n '__bmlb_at bmlb rbac' -s c -l config -r -F -d 'refuse addresses outside the pools of this configuration, and take the namespace from it'
complete -c bmlb -n '__bmlb_at bmlb rbac' -l namespace -x -d 'namespace of the Leases'
complete -c bmlb -n '__bmlb_at bmlb rbac' -l json -d 'print JSON for scripts'
complete -c bmlb -n '__bmlb_at bmlb rbac' -s h -l help -d 'print this help'
complete -c bmlb -n '__bmlb_at bmlb completion' -a 'bash zsh fish'
complete -c bmlb -n '__bmlb_at bmlb completion' -s h -l help -d 'print this help'
