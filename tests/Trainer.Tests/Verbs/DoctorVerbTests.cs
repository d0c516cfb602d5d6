using System.Diagnostics;
using System.Text.Json.Nodes;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Tests.Training;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Tests.Verbs;

/// <summary>`doctor` as people and programs call it, on this machine as it is and on one that is broken on purpose.</summary>
public sealed class DoctorVerbTests : IDisposable
{
    /// <summary>Programs ask for these: a new one may come, none may be renamed. Boards and a configuration's checks come on top.</summary>
    static readonly string[] Always =
    [
        "dotnet-runtime", "cpu-instructions", "libstdcxx", "libtorch",
        "memory", "memory-limit", "cpu-threads", "shared-memory", "ipc-namespace", "inotify-watches", "inotify-instances",
        "open-files", "locked-memory", "processes", "map-count", "stack-size", "core-files", "kernel-log", "cgroup-version", "pressure",
        "ucx", "ld-preload", "dotnet-variables", "cublas-workspace", "openmp-threads",
        "data-folder", "data-space", "data-inodes", "data-disk", "temp-folder",
        "gpu-driver", "gpu-build", "cuda-visible-devices", "tool-node", "tool-gcc", "tool-chromium",
    ];

    readonly TempFolder folder = new();

    [Fact]
    public async Task The_report_for_programs_has_every_check_once_and_a_remedy_for_each_that_is_not_ok()
    {
        using var run = new SmallRun();
        RunConfigFile.Write(folder.File("run.json"), run.Config);
        var (code, output, errors) = await TrainerProcess.Run("doctor", "--json", "--data", folder.Path, "--config", folder.File("run.json"));
        Assert.Equal("", errors);
        var checks = Checks(output);
        Assert.Subset(checks.Keys.ToHashSet(), Always.Concat(["checkpoint-room", "config-files", "features-folder", "features-disk"]).ToHashSet());
        Assert.Equal("ok", State(checks["libtorch"]));
        Assert.Equal("ok", State(checks["config-files"]));
        Assert.Equal(checks.Values.Any(check => State(check) == "fail") ? ExitCodes.Fails : ExitCodes.Done, code);
        Assert.Equal([folder.File("run.json")], Directory.EnumerateFileSystemEntries(folder.Path)); // nothing is left, nothing is made
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_made_is_a_fail_with_its_remedy_below_it_and_the_rest_is_told()
    {
        var (code, output, errors) = await TrainerProcess.Run("doctor", "--data", "/proc/mcn");
        Assert.Equal((ExitCodes.Fails, ""), (code, errors));
        var lines = output.Split('\n');
        var at = Array.FindIndex(lines, line => line.StartsWith("  FAIL     data-folder", StringComparison.Ordinal));
        Assert.Contains("expected: a folder that can be written", lines[at + 1], StringComparison.Ordinal);
        Assert.Contains("-> sudo install -d", lines[at + 2], StringComparison.Ordinal);
        Assert.Matches(@"^\d+ checks: \d+ ok, \d+ warning, [1-9]\d* fail, \d+ unknown$", output.TrimEnd().Split('\n')[^1]);
        foreach (var id in Always) Assert.Contains($" {id} ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Asked_for_GPUs_the_CPU_build_fails_and_names_the_build_that_would_not()
    {
        Assert.SkipWhen(Directory.EnumerateFiles(AppContext.BaseDirectory, "libtorch_cuda*.so", SearchOption.AllDirectories).Any(), "this is the CUDA build");
        var (code, output, _) = await TrainerProcess.Run("doctor", "--json", "--gpu", "--data", folder.Path);
        var checks = Checks(output);
        Assert.Equal(ExitCodes.Fails, code);
        Assert.Equal("fail", State(checks["compute"]));
        Assert.Contains("-p:TorchBackend=cuda", (string)checks["compute"]["remedy"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_libtorch_that_kills_its_process_is_a_line_and_not_the_doctors_end()
    {
        File.WriteAllText(folder.File("die.sh"), "kill -SEGV $$\n");
        var (code, output, _) = await TrainerProcess.Run(["doctor", "--json", "--data", folder.Path], ("MCN_WORKER_COMMAND", "/bin/sh " + folder.File("die.sh")));
        Assert.Equal(ExitCodes.Fails, code);
        Assert.Equal(("fail", "the process died of SIGSEGV (exit code 139)"), (State(Checks(output)["libtorch"]), (string)Checks(output)["libtorch"]["found"]!));
    }

    [Fact]
    public async Task The_container_of_the_story_is_found_out()
    {
        // 64 MB of shared memory, a quota of inotify that is used up, 1,024 files: real ones, in namespaces of its own.
        const string broken = "mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm && echo 0 > /proc/sys/user/max_inotify_watches && ulimit -n 1024 && ";
        Assert.SkipUnless(await Unshare(broken + "true") is { Code: 0 }, "this machine lets nobody make namespaces (unshare -Urm)");
        var (code, output) = await Unshare($"{broken} exec dotnet {Path.Combine(AppContext.BaseDirectory, "Mcn.Web.Trainer.dll")} doctor --json --data {folder.Path}");
        var checks = Checks(output);
        Assert.Equal(ExitCodes.Done, code); // training would run
        Assert.Equal(["warning", "warning", "warning"], new[] { "shared-memory", "inotify-watches", "open-files" }.Select(id => State(checks[id])));
        Assert.StartsWith("exhausted", (string)checks["inotify-watches"]["found"]!, StringComparison.Ordinal);
        Assert.StartsWith("64 MiB", (string)checks["shared-memory"]["found"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_inotify_instances_shared_memory_and_devices_it_still_tells_everything()
    {
        const string broken = "mount -t tmpfs -o size=1m,mode=0755 tmpfs /dev && echo 0 > /proc/sys/user/max_inotify_instances && ";
        Assert.SkipUnless(await Unshare(broken + "true") is { Code: 0 }, "this machine lets nobody make namespaces (unshare -Urm)");
        var (_, output) = await Unshare($"{broken} exec dotnet {Path.Combine(AppContext.BaseDirectory, "Mcn.Web.Trainer.dll")} doctor --json --data {folder.Path}");
        var checks = Checks(output);
        Assert.Equal(["warning", "warning", "ok"], new[] { "shared-memory", "inotify-instances", "data-folder" }.Select(id => State(checks[id])));
        Assert.Subset(checks.Keys.ToHashSet(), Always.ToHashSet());
    }

    [Theory]
    [InlineData("--bogus")]
    [InlineData("--config", "/nowhere/run.json")]
    public async Task Wrong_usage_is_told_as_that_and_nothing_is_examined(params string[] arguments)
    {
        var (code, output, errors) = await TrainerProcess.Run(["doctor", .. arguments]);
        Assert.Equal((ExitCodes.Usage, ""), (code, output));
        Assert.Contains(arguments[^1], errors, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();

    static async Task<(int Code, string Output)> Unshare(string script)
    {
        using var process = Process.Start(new ProcessStartInfo("unshare", ["-Urm", "/bin/sh", "-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(2));
        await errors;
        return (process.ExitCode, await output);
    }

    static string State(JsonObject check) => (string)check["state"]!;

    /// <summary>By id; the layout is the pinned one.</summary>
    static Dictionary<string, JsonObject> Checks(string output)
    {
        var report = JsonNode.Parse(output)!.AsObject();
        Assert.Equal(["checks"], report.Select(member => member.Key));
        var checks = report["checks"]!.AsArray().Select(check => check!.AsObject()).ToList();
        Assert.All(checks, check =>
        {
            Assert.Equal(["id", "state", "found", "expected", "remedy"], check.Select(member => member.Key));
            Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", (string)check["id"]!);
            Assert.Contains(State(check), new[] { "ok", "warning", "fail", "unknown" });
            Assert.NotEmpty((string)check["found"]!);
            Assert.NotEmpty((string)check["expected"]!);
            Assert.Equal(State(check) == "ok", ((string)check["remedy"]!).Length == 0);
        });
        return checks.ToDictionary(check => (string)check["id"]!); // throws where an id comes twice
    }
}
