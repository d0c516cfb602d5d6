using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Supervisor;
using YamlDotNet.RepresentationModel;

namespace Mcn.Web.Architecture.Tests.Deploy;

/// <summary>deploy/docker/compose.yaml, which no container engine has read on the development machines: each flag, and why it may not go.</summary>
public sealed class ComposeTests
{
    const string File = "deploy/docker/compose.yaml";

    static readonly string Text = DeployText.Read(File);
    static readonly YamlMappingNode Root = Load();

    [Theory]
    [InlineData("init", "true")]
    [InlineData("shm_size", "2g")]
    [InlineData("ulimits/memlock", "-1")]
    [InlineData("ulimits/stack", "67108864")]
    [InlineData("ulimits/nofile", "1048576")]
    [InlineData("pids_limit", "-1")]
    [InlineData("stop_grace_period", "120s")]
    [InlineData("environment/UCX_VFS_ENABLE", "n")]
    [InlineData("environment/UCX_HANDLE_ERRORS", "none")]
    [InlineData("environment/UCX_ERROR_SIGNALS", "")]
    [InlineData("environment/DOTNET_USE_POLLING_FILE_WATCHER", "1")]
    [InlineData("environment/CUBLAS_WORKSPACE_CONFIG", ":4096:8")]
    [InlineData("environment/NCCL_DEBUG", "WARN")]
    [InlineData("environment/MCN_SEQ_URL", "${MCN_SEQ_URL:-}")]
    [InlineData("deploy/resources/reservations/devices/0/driver", "nvidia")]
    [InlineData("deploy/resources/reservations/devices/0/count", "all")]
    [InlineData("deploy/resources/reservations/devices/0/capabilities/0", "gpu")]
    [InlineData("restart", "unless-stopped")]
    public void The_trainer_has_the_flags_of_the_crash_findings(string path, string value) => Assert.Equal(value, Scalar($"services/trainer/{path}"));

    [Fact]
    public void No_service_shares_the_hosts_ipc_or_runs_privileged()
    {
        foreach (var (name, service) in Services())
            foreach (var forbidden in new[] { "ipc", "pid", "privileged", "security_opt" })
                Assert.False(service.Children.ContainsKey(forbidden), $"{name}: {forbidden}");
    }

    [Fact]
    public void The_dashboard_is_on_loopback_only()
    {
        var dashboard = (YamlMappingNode)Node("services/dashboard");
        Assert.False(dashboard.Children.ContainsKey("ports"));
        Assert.Equal("host", Scalar("services/dashboard/network_mode"));
        string[] command = [.. Words("services/dashboard/command")];
        Assert.Equal("127.0.0.1:${MCN_PORT:-8080}", command[Array.IndexOf(command, "--listen") + 1]);
        Assert.DoesNotContain("--insecure-lan", command);
        // The trainer refuses plain http to any other address.
        string[] trainer = [.. Words("services/trainer/command")];
        Assert.Equal("http://127.0.0.1:${MCN_PORT:-8080}", trainer[Array.IndexOf(trainer, "--dashboard") + 1]);
        Assert.Equal("host", Scalar("services/trainer/network_mode"));
        Assert.All(Words("services/seq/ports"), port => Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal));
    }

    [Fact]
    public void The_key_that_the_dashboard_makes_is_the_one_that_the_trainer_reads()
    {
        string[] makes = [.. Words("services/dashboard/command")], reads = [.. Words("services/trainer/command")];
        Assert.Equal(makes[Array.IndexOf(makes, "--trainer-key-file") + 1], reads[Array.IndexOf(reads, "--key-file") + 1]);
        Assert.Contains("key:/key", Words("services/dashboard/volumes"));
        Assert.Contains("key:/key:ro", Words("services/trainer/volumes"));
        // Mode 0600: both images run as the same user.
        foreach (var image in new[] { "trainer", "dashboard" })
        {
            var lines = DeployText.Read($"deploy/docker/Dockerfile.{image}").Split('\n');
            Assert.Contains("USER $APP_UID", lines);
            Assert.Contains(lines, line => line.StartsWith("RUN install -d -o $APP_UID", StringComparison.Ordinal) && line.EndsWith(" /key", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Commands_have_options_that_the_programs_know()
    {
        Assert.Equal("serve", Words("services/trainer/command").First());
        DeployText.AssertKnown("Trainer", Words("services/trainer/command"));
        DeployText.AssertKnown("Dashboard", Words("services/dashboard/command"));
    }

    [Theory]
    [InlineData("trainer", "Trainer")]
    [InlineData("dashboard", "Dashboard")]
    public void Each_variable_of_ours_is_read_by_the_program_that_gets_it(string service, string program)
    {
        var ours = ((YamlMappingNode)Node($"services/{service}/environment")).Children.Keys.Select(key => ((YamlScalarNode)key).Value!)
            .Where(name => name.StartsWith("MCN_", StringComparison.Ordinal)).ToArray();
        Assert.Contains("MCN_SEQ_URL", ours);
        Assert.All(ours, name => Assert.True(DeployText.IsRead(program, name), $"{program} does not read {name}"));
    }

    [Fact]
    public void The_container_waits_for_a_worker_that_saves()
    {
        var grace = new SupervisorOptions { DataFolder = "", WorkerCommand = [] }.Grace;
        Assert.True(Seconds(Scalar("services/trainer/stop_grace_period")) >= grace.TotalSeconds);
    }

    [Fact]
    public void Every_placeholder_has_a_default_and_stands_in_the_example()
    {
        var examples = DeployText.Examples("deploy/docker/env.example");
        var used = DeployText.Placeholders(Text);
        Assert.Equal(examples.Keys.Order(), used.Select(one => one.Name).Distinct().Order());
        // An unset key means no key, and Seq's address has none that fits everybody: shown, not taken.
        Assert.All(used, one => Assert.True(one.Default == examples[one.Name] || (one.Name == "MCN_SEQ_URL" && one.Default == ""), one.Name));
    }

    [Fact]
    public void Every_file_and_volume_that_is_named_exists()
    {
        var folder = Path.GetDirectoryName(Repository.File(File))!;
        foreach (var service in new[] { "trainer", "dashboard" })
        {
            var context = Path.GetFullPath(Path.Combine(folder, Scalar($"services/{service}/build/context")));
            Assert.Equal(Path.GetFullPath(Repository.Root), context);
            var dockerfile = Path.Combine(context, Scalar($"services/{service}/build/dockerfile"));
            Assert.True(System.IO.File.Exists(dockerfile), dockerfile);
            Assert.True(System.IO.File.Exists(dockerfile + ".dockerignore"), dockerfile);
        }

        Assert.True(Directory.Exists(Path.Combine(folder, DeployText.Placeholders(Text).Single(one => one.Name == "MCN_CONFIG").Default!)));
        var declared = ((YamlMappingNode)Node("volumes")).Children.Keys.Select(key => ((YamlScalarNode)key).Value!).Order();
        var mounted = Services().SelectMany(one => ((YamlSequenceNode)one.Service["volumes"]).Children).OfType<YamlScalarNode>()
            .Select(volume => volume.Value!.Replace("${MCN_TRAINER_DATA:-", "", StringComparison.Ordinal).Split(':', '}')[0])
            .Where(name => char.IsAsciiLetter(name[0])).Distinct().Order();
        Assert.Equal(declared, mounted);
    }

    [Fact]
    public void The_features_lie_where_the_published_recipe_looks_for_them()
    {
        var mount = ((YamlSequenceNode)Node("services/trainer/volumes")).Children.OfType<YamlMappingNode>().Single();
        var target = ((YamlScalarNode)mount["target"]).Value!;
        Assert.Contains($"\"features_path\": \"{target}/", DeployText.Read("deploy/config/howto100m.json"), StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_not_been_run_says_so_at_its_top()
    {
        foreach (var file in new[] { File, "deploy/docker/Dockerfile.trainer", "deploy/docker/Dockerfile.dashboard", "deploy/systemd/mcn-trainer.service", "deploy/systemd/mcn-dashboard.service" })
            Assert.Contains(DeployText.Read(file).Split('\n').Take(5), line => line.StartsWith("# NOT RUN BY US", StringComparison.Ordinal));
    }

    static double Seconds(string duration)
    {
        Assert.EndsWith("s", duration, StringComparison.Ordinal);
        return double.Parse(duration[..^1], System.Globalization.CultureInfo.InvariantCulture);
    }

    static IEnumerable<(string Name, YamlMappingNode Service)> Services() =>
        ((YamlMappingNode)Node("services")).Children.Select(pair => (((YamlScalarNode)pair.Key).Value!, (YamlMappingNode)pair.Value));

    static IEnumerable<string> Words(string path) => ((YamlSequenceNode)Node(path)).Children.OfType<YamlScalarNode>().Select(word => word.Value!);

    static string Scalar(string path) => Assert.IsType<YamlScalarNode>(Node(path)).Value!;

    static YamlNode Node(string path) => path.Split('/').Aggregate((YamlNode)Root, (node, name) => node switch
    {
        YamlMappingNode mapping when mapping.Children.TryGetValue(name, out var child) => child,
        YamlSequenceNode sequence => sequence.Children[int.Parse(name, System.Globalization.CultureInfo.InvariantCulture)],
        _ => throw new InvalidOperationException($"{File}: nothing at {path}"),
    });

    static YamlMappingNode Load()
    {
        var stream = new YamlStream();
        using var reader = new StringReader(Text);
        stream.Load(reader);
        return (YamlMappingNode)stream.Documents.Single().RootNode;
    }
}
