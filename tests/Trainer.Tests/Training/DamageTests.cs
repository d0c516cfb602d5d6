using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>What a bad disk, a cut of power or a hand can do to a checkpoint.</summary>
public sealed class DamageTests
{
    [Theory]
    [InlineData("model.safetensors", "bit", "differs from its checksum")]
    [InlineData("optimizer.safetensors", "cut", "bytes instead of")]
    [InlineData("clusters.safetensors", "gone", "is missing")]
    [InlineData("model.safetensors", "zero", "differs from its checksum")]
    [InlineData("state.json", "cut", "state.json")]
    [InlineData("state.json", "gone", "state.json")]
    public void A_damaged_checkpoint_is_set_aside_and_the_one_before_it_leads_to_the_same_bits(string file, string damage, string told)
    {
        using var whole = new SmallRun();
        whole.Train();
        using var cut = new SmallRun();
        cut.Train(steps: 8);
        Damage(Path.Combine(cut.Folder.Checkpoints, RunFolder.CheckpointName(8), file), damage);

        var (reason, records) = cut.Train();

        Assert.Equal("finished", reason);
        Assert.Equal(4, records.OfType<RunStarted>().Single().FromStep);
        Assert.Contains(told, records.OfType<Alert>().Single(alert => alert.Code == "checkpoint_damaged").Text, StringComparison.Ordinal);
        Assert.Single(Directory.GetDirectories(cut.Folder.Checkpoints, "damaged-*"));
        SmallRun.AssertSameTensors(whole.NewestTensors(), cut.NewestTensors());
    }

    [Fact]
    public void A_checkpoint_that_was_being_replaced_comes_back()
    {
        using var run = new SmallRun();
        run.Train(steps: 8);
        var newest = CheckpointFolder.Paths(run.Folder.Checkpoints).Last();
        Directory.Move(newest, Path.Combine(run.Folder.Checkpoints, ".replaced-" + Path.GetFileName(newest))); // died between the two renames
        Assert.Equal(8, run.Train().Records.OfType<RunStarted>().Single().FromStep);
    }

    [Fact]
    public void The_newest_one_when_a_trainer_died_is_marked_and_stays()
    {
        using var run = new SmallRun();
        run.Config = run.Config with { Checkpoint = run.Config.Checkpoint with { KeepLast = 1, EverySteps = 1 } };
        run.Train(steps: 3);
        using (var recorder = FlightRecorder.Create(run.Folder.Recorder, run.Folder.RunId, 1, ["rank 0"], TimeProvider.System)) recorder.Lanes[0].Mark(RecorderPhase.Forward);
        run.Train();
        var kept = CheckpointRetention.Decide(CheckpointFolder.List(run.Folder.Checkpoints), run.Config.Checkpoint);
        Assert.Contains(kept, entry => entry.Entry.Step == 3 && entry.KeptBy.Contains(CheckpointFolder.BeforeCrashMark));
        Assert.Contains(kept, entry => entry.Entry.Step == 12 && entry.KeptBy.Contains("last"));
        Assert.All(kept, entry => Assert.NotEmpty(entry.KeptBy));
    }

    static void Damage(string path, string damage)
    {
        var bytes = File.ReadAllBytes(path);
        switch (damage)
        {
            case "bit": bytes[^100] ^= 1; break;
            case "cut": bytes = bytes[..(bytes.Length / 2)]; break;
            case "zero": bytes.AsSpan(bytes.Length / 2, 512).Clear(); break;
            default: File.Delete(path); return;
        }

        File.WriteAllBytes(path, bytes);
    }
}
