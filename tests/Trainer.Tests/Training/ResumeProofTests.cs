using System.IO.Hashing;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>The step after a checkpoint is repeated and compared: a state that is not the one that was saved is not gone on with.</summary>
public sealed class ResumeProofTests
{
    [Fact]
    public void The_step_after_a_checkpoint_is_the_same_when_it_is_repeated()
    {
        using var run = Stopped();
        var resumed = run.Train().Records.OfType<ResumeProven>().Single();
        Assert.Equal((4, "disk", true), (resumed.Step, resumed.Source, resumed.Exact));
    }

    [Theory]
    [InlineData("model.safetensors", "train.loss")]
    [InlineData("optimizer.safetensors", "after the update")]
    public void A_state_that_differs_from_what_was_saved_stops_with_the_first_thing_that_differs(string file, string difference)
    {
        using var run = Stopped();
        Tamper(run, file);
        var error = Assert.Throws<UserError>(() => run.Train());
        Assert.Equal(ExitCodes.Refused, error.ExitCode);
        Assert.Contains("the step after 4", error.Message, StringComparison.Ordinal);
        Assert.Contains(difference, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_processor_or_library_is_a_known_reason_that_is_noted_and_training_goes_on()
    {
        using var run = Stopped();
        Tamper(run, "optimizer.safetensors", manifest => manifest with { Environment = new Dictionary<string, string>(manifest.Environment) { ["libtorch"] = "1.0" } });
        var (reason, records) = run.Train();
        var resumed = records.OfType<ResumeProven>().Single();
        Assert.Equal("finished", reason);
        Assert.False(resumed.Exact);
        Assert.Contains("libtorch 1.0 -> ", resumed.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_state_holds_what_decides_the_rest_of_the_run()
    {
        using var run = Stopped();
        var manifest = CheckpointFolder.List(run.Folder.Checkpoints).Single().Manifest;
        Assert.Equal(("epoch", run.Config.Seed, 4L), (manifest.Reason, manifest.Seed, manifest.Best.Step));
        Assert.Equal(manifest.Metric, manifest.Best.Metric);
        Assert.Equal(Mcn.Web.Shared.Configuration.RunConfigFile.Sha256(run.Config), manifest.ConfigSha256);
        Assert.True(manifest.TelemetrySequence > 4);
        Assert.Superset(new HashSet<string> { "cpu", "cpu_threads", "devices", "libtorch", "precision", "program", "torchsharp" }, manifest.Environment.Keys.ToHashSet());
        var names = SafetensorsFile.Open(Path.Combine(CheckpointFolder.Paths(run.Folder.Checkpoints).Single(), "optimizer.safetensors"));
        using (names) Assert.All(names.Names, name => Assert.Matches(@"^exp_avg(_sq)?\.[A-Za-z]", name)); // by name, not by position
    }

    /// <summary>Left at step 5 without saving: the checkpoint of step 4 has the step after it beside it.</summary>
    static SmallRun Stopped()
    {
        var run = new SmallRun();
        run.Train(watch: (record, control) =>
        {
            if (record is StepMetrics { Step: 5 }) control.RequestStop(null, save: false);
        });
        foreach (var later in CheckpointFolder.Paths(run.Folder.Checkpoints).Skip(1)) Directory.Delete(later, recursive: true); // a slow watcher
        Assert.NotNull(CheckpointFolder.Proof(CheckpointFolder.Paths(run.Folder.Checkpoints).Single()));
        return run;
    }

    /// <summary>Another state with checksums in order: what a wrong program or bad memory would have saved.</summary>
    static void Tamper(SmallRun run, string file, Func<CheckpointManifest, CheckpointManifest>? more = null)
    {
        var folder = CheckpointFolder.Paths(run.Folder.Checkpoints).Single();
        var path = Path.Combine(folder, file);
        var bytes = File.ReadAllBytes(path);
        for (var i = 3; i <= 4000; i += 4) bytes[^i] ^= 0x10; // the last numbers change by a thousandth or less
        File.WriteAllBytes(path, bytes);
        var manifest = JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(folder, CheckpointFolder.ManifestName)), McnJson.Default.CheckpointManifest)!;
        manifest = manifest with
        {
            Files = [.. manifest.Files.Select(part => part.Name == file ? part with { Xxh128 = Convert.ToHexStringLower(XxHash128.Hash(bytes)) } : part)],
        };
        File.WriteAllBytes(Path.Combine(folder, CheckpointFolder.ManifestName),
            JsonSerializer.SerializeToUtf8Bytes(more is null ? manifest : more(manifest), McnJson.ForFiles.CheckpointManifest));
    }
}
