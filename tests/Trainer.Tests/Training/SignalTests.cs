using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Orders of the machine.</summary>
public sealed class SignalTests
{
    const int Interrupt = 2;

    [Theory]
    [InlineData(NativeSpawn.SigTerm)]
    [InlineData(Interrupt)]
    public async Task A_signal_saves_and_ends_with_75(int signal)
    {
        using var run = new SmallRun().Longer(epochs: 1000, everySteps: 0);
        using var worker = SmallWorker.Start(run);
        await worker.Step(3);
        worker.Signal(signal);
        Assert.Equal(new WorkerEnd(ExitCodes.SavedAndReleased, null), await worker.Ended());
        var saved = CheckpointFolder.List(run.Folder.Checkpoints).Single();
        Assert.Equal((run.Journal().OfType<RunEnded>().Single().Step, "leave"), (saved.Step, saved.Manifest.Reason));
        Assert.True(RecorderReader.Read(run.Folder.Recorder)!.CleanEnd);
    }

    [Fact]
    public async Task A_second_signal_ends_at_once_and_what_was_saved_before_is_gone_on_with()
    {
        using var run = new SmallRun().Longer(epochs: 1000, everySteps: 5);
        using (var disk = new FaultyDisk())
        {
            // A disk that takes for ever: the first signal waits for it.
            using var worker = SmallWorker.Start(run, null, ("LD_PRELOAD", disk.Library), ("MCN_SHIM_PATH", "clusters.safetensors"), ("MCN_SHIM_STALL", disk.Full));
            await Wait.For(() => Directory.Exists(run.Folder.Checkpoints) && CheckpointFolder.List(run.Folder.Checkpoints).Count > 0, "a first checkpoint");
            File.WriteAllText(disk.Full, "");
            await Wait.For(() => Directory.GetDirectories(run.Folder.Checkpoints, ".writing-*").Length > 0, "a checkpoint that is stuck");
            worker.Signal(NativeSpawn.SigTerm);
            worker.Signal(Interrupt); // another one: two of a kind may become one
            Assert.Equal(new WorkerEnd(ExitCodes.Interrupted, null), await worker.Ended());
        }

        var saved = CheckpointFolder.List(run.Folder.Checkpoints)[^1].Step;
        using var next = SmallWorker.Start(run);
        await next.Step(saved + 1);
        Assert.Equal(saved, run.Journal().OfType<RunStarted>().Last().FromStep);
    }

    [Fact]
    public async Task A_stop_during_an_evaluation_does_not_wait_for_its_end()
    {
        using var run = new SmallRun();
        run.Config = run.Config with { Evaluation = run.Config.Evaluation with { BatchSizeVal = 1 } };
        run.Train(steps: 3);
        using var worker = SmallWorker.Start(run);
        await worker.Phase(RecorderPhase.Evaluate);
        worker.Signal(NativeSpawn.SigTerm);
        await worker.Ended();
        var (_, rest) = run.Train();
        Assert.Contains(rest.OfType<EvaluationFinished>(), evaluation => evaluation.Step == 12);
    }
}
