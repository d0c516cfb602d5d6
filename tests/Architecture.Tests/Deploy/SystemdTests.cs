using System.Globalization;
using Mcn.Web.Trainer;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Architecture.Tests.Deploy;

/// <summary>deploy/systemd: the units as systemd reads them, section by section.</summary>
public sealed class SystemdTests
{
    static readonly string[] Units = ["trainer", "dashboard"];

    [Theory]
    [InlineData("trainer", "Service/User", "mcn")]
    [InlineData("trainer", "Service/StateDirectory", "mcn")]
    [InlineData("trainer", "Service/KillMode", "mixed")]
    [InlineData("trainer", "Service/TimeoutStopSec", "150")]
    [InlineData("trainer", "Service/Restart", "on-failure")]
    [InlineData("trainer", "Service/LimitMEMLOCK", "infinity")]
    [InlineData("trainer", "Service/LimitNOFILE", "1048576")]
    [InlineData("trainer", "Service/LimitSTACK", "67108864")]
    [InlineData("trainer", "Service/TasksMax", "infinity")]
    [InlineData("trainer", "Service/ProtectSystem", "strict")]
    [InlineData("trainer", "Service/EnvironmentFile", "-/etc/mcn/mcn.env")]
    [InlineData("trainer", "Install/WantedBy", "multi-user.target")]
    [InlineData("dashboard", "Service/User", "mcn")]
    [InlineData("dashboard", "Service/StateDirectory", "mcn")]
    [InlineData("dashboard", "Service/Restart", "on-failure")]
    [InlineData("dashboard", "Service/NoNewPrivileges", "yes")]
    [InlineData("dashboard", "Service/ProtectSystem", "strict")]
    [InlineData("dashboard", "Service/EnvironmentFile", "-/etc/mcn/mcn.env")]
    [InlineData("dashboard", "Install/WantedBy", "multi-user.target")]
    public void A_unit_says(string unit, string key, string value) => Assert.Equal([value], Values(unit, key));

    [Fact]
    public void A_restart_respects_what_an_exit_code_means()
    {
        Assert.Equal([Text(ExitCodes.SavedAndReleased)], Values("trainer", "Service/SuccessExitStatus"));
        Assert.Equal([Text(ExitCodes.SavedAndReleased)], Values("trainer", "Service/RestartForceExitStatus"));
        foreach (var unit in Units) Assert.Equal([$"{ExitCodes.Usage} {ExitCodes.Refused}"], Values(unit, "Service/RestartPreventExitStatus"));
    }

    [Fact]
    public void Stopping_waits_for_the_checkpoint_and_for_the_daemons_own_end()
    {
        var options = new SupervisorOptions { DataFolder = "", WorkerCommand = [] };
        var timeout = int.Parse(Values("trainer", "Service/TimeoutStopSec").Single(), CultureInfo.InvariantCulture);
        Assert.True(timeout >= (options.Grace + options.TermGrace).TotalSeconds);
    }

    [Fact]
    public void The_environment_is_that_of_the_container()
    {
        var environment = Environment("trainer");
        Assert.Equal("", environment["UCX_ERROR_SIGNALS"]);
        var compose = DeployText.Read("deploy/docker/compose.yaml");
        foreach (var (name, value) in environment.Where(pair => !pair.Key.StartsWith("MCN_", StringComparison.Ordinal)))
            Assert.Contains($"      {name}: \"{value}\"", compose, StringComparison.Ordinal);
        Assert.Equal(6, environment.Keys.Count(name => !name.StartsWith("MCN_", StringComparison.Ordinal)));
        Assert.Equal("1", Environment("dashboard")["DOTNET_USE_POLLING_FILE_WATCHER"]);
    }

    [Fact]
    public void The_trainers_hardening_leaves_the_driver_alone()
    {
        // These take devices or setuid helpers away, forbid what a compiling runtime does, or imply NoNewPrivileges for a unit with User=.
        string[] forbidden =
        [
            "PrivateDevices", "DevicePolicy", "DeviceAllow", "MemoryDenyWriteExecute", "NoNewPrivileges", "SystemCallFilter", "SystemCallArchitectures", "ProtectKernelTunables",
            "ProtectKernelModules", "ProtectKernelLogs", "ProtectClock", "RestrictNamespaces", "RestrictSUIDSGID", "RestrictRealtime", "RestrictAddressFamilies", "LockPersonality", "ProtectHostname",
        ];
        Assert.All(forbidden, key => Assert.Empty(Values("trainer", $"Service/{key}")));
        Assert.Empty(Values("dashboard", "Service/MemoryDenyWriteExecute"));
    }

    [Theory]
    [InlineData("trainer", "Trainer")]
    [InlineData("dashboard", "Dashboard")]
    public void Commands_name_a_program_options_and_variables_that_exist(string unit, string project)
    {
        var words = Values(unit, "Service/ExecStart").Single().Split(' ');
        Assert.Equal("/usr/bin/dotnet", words[0]);
        Assert.Equal($"/opt/mcn/{unit}/Mcn.Web.{project}.dll", words[1]);
        DeployText.AssertKnown(project, words);
        foreach (var (name, _) in DeployText.Placeholders(string.Join(' ', words))) Assert.True(Environment(unit).ContainsKey(name), name);
        Assert.Equal("/var/lib/mcn", words[Array.IndexOf(words, "--data") + 1]);
    }

    [Fact]
    public void Both_units_mean_the_same_address_and_the_same_key()
    {
        Assert.Equal("http://" + Environment("dashboard")["MCN_LISTEN"], Environment("trainer")["MCN_DASHBOARD_URL"]);
        Assert.Contains("--trainer-key-file " + Environment("trainer")["MCN_KEY_FILE"], Values("dashboard", "Service/ExecStart").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_variable_of_the_example_is_used()
    {
        var unitVariables = Units.SelectMany(unit => DeployText.Placeholders(Values(unit, "Service/ExecStart").Single())).Select(one => one.Name).ToHashSet();
        foreach (var (name, value) in DeployText.Examples("deploy/systemd/mcn.env.example"))
        {
            // The framework's own, read by WebApplication.CreateBuilder.
            if (name == "ASPNETCORE_FORWARDEDHEADERS_ENABLED") continue;
            Assert.True(unitVariables.Contains(name) || DeployText.IsRead("Trainer", name) || DeployText.IsRead("Dashboard", name), name);
            // Shown as a comment, it is what is taken without it.
            foreach (var unit in Units.Where(unit => Environment(unit).ContainsKey(name))) Assert.Equal(Environment(unit)[name], value);
        }
    }

    [Fact]
    public void The_proxies_reach_the_dashboard_where_it_listens()
    {
        var address = Environment("dashboard")["MCN_LISTEN"];
        Assert.Contains($"proxy_pass http://{address};", DeployText.Read("deploy/proxy/nginx.conf"), StringComparison.Ordinal);
        Assert.Contains($"reverse_proxy {address}\n", DeployText.Read("deploy/proxy/Caddyfile"), StringComparison.Ordinal);
    }

    static string Text(int code) => code.ToString(CultureInfo.InvariantCulture);

    static Dictionary<string, string> Environment(string unit) =>
        Values(unit, "Service/Environment").Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);

    static IReadOnlyList<string> Values(string unit, string key) => [.. Lines(unit).Where(line => line.Key == key).Select(line => line.Value)];

    /// <summary>`Section/Key` and value. A line that is none of section, comment, key or empty is a mistake.</summary>
    static IEnumerable<(string Key, string Value)> Lines(string unit)
    {
        var section = "";
        foreach (var line in DeployText.Read($"deploy/systemd/mcn-{unit}.service").Split('\n'))
        {
            if (line.Length == 0 || line[0] is '#' or ';') continue;
            if (line is ['[', .. var name, ']'])
            {
                section = name;
                continue;
            }

            var at = line.IndexOf('=', StringComparison.Ordinal);
            Assert.True(at > 0 && section is "Unit" or "Service" or "Install", $"{unit}: {line}");
            yield return ($"{section}/{line[..at]}", line[(at + 1)..]);
        }
    }
}
