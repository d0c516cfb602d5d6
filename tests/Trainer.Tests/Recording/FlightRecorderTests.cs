using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Tests.Recording;

public sealed class FlightRecorderTests
{
    [Fact]
    public void What_is_marked_is_read_back_while_it_is_open()
    {
        using var temp = new TempFolder();
        using var recorder = Create(temp);
        var lane = recorder.Lanes[0];
        (lane.Step, lane.Epoch) = (41, 3);
        lane.SetSamples([7, 8, 9]);
        lane.Mark(RecorderPhase.Forward);
        lane.Step = 42;
        lane.SetSamples([]);
        lane.Mark(RecorderPhase.StepDone, 1.5);
        recorder.LastWords("boom: ü");

        var read = RecorderReader.Read(temp.File("recorder.bin"))!;
        Assert.Equal(("run-1", 4, Environment.ProcessId, false, "boom: ü"), (read.Run, read.Incarnation, read.ProcessId, read.CleanEnd, read.LastWords));
        Assert.Equal(["rank 0", "rank 1"], read.Lanes.Select(content => content.Name));
        var (first, last) = (read.Lanes[0].Marks[0], read.Lanes[0].Last!);
        Assert.Equal((RecorderPhase.Forward, 41L, 3, null), (first.Phase, first.Step, first.Epoch, first.Loss));
        Assert.Equal([7, 8, 9], first.Samples);
        Assert.Equal((RecorderPhase.StepDone, 42L, 1.5), (last.Phase, last.Step, last.Loss));
        Assert.Empty(last.Samples);
        Assert.Equal(last.Time, read.Heartbeat);
        Assert.Null(read.Lanes[1].Last);

        recorder.MarkCleanEnd();
        Assert.True(RecorderReader.Read(temp.File("recorder.bin"))!.CleanEnd);
    }

    [Fact]
    public void The_ring_keeps_the_newest_in_order()
    {
        using var temp = new TempFolder();
        using var recorder = Create(temp);
        for (var step = 0; step < 5000; step++)
        {
            recorder.Lanes[1].Step = step;
            recorder.Lanes[1].Mark(RecorderPhase.StepDone);
        }

        var marks = RecorderReader.Read(temp.File("recorder.bin"))!.Lanes[1].Marks;
        Assert.Equal(Enumerable.Range(3976, 1024).Select(step => (long)step), marks.Select(mark => mark.Step));
    }

    [Fact]
    public void A_torn_record_is_told_and_the_one_before_it_is_the_last()
    {
        using var temp = new TempFolder();
        using (var recorder = Create(temp))
        {
            recorder.Lanes[0].Mark(RecorderPhase.Forward);
            recorder.Lanes[0].Mark(RecorderPhase.Backward);
        }

        var bytes = File.ReadAllBytes(temp.File("recorder.bin"));
        var second = 4096 + 16384 + 128 + 128; // header, last words, lane header, first record
        bytes[second + 120] ^= 0xFF;
        var lane = RecorderReader.Parse(bytes)!.Lanes[0];
        Assert.Equal((1, RecorderPhase.Forward), (lane.Torn, lane.Last!.Phase));
    }

    [Fact]
    public void Foreign_or_cut_files_are_no_recorder_and_never_an_exception()
    {
        using var temp = new TempFolder();
        Assert.Null(RecorderReader.Read(temp.File("none")));
        using (Create(temp)) { }
        var bytes = File.ReadAllBytes(temp.File("recorder.bin"));
        Assert.Null(RecorderReader.Parse(bytes.AsSpan(0, 1000)));
        Assert.Empty(RecorderReader.Parse(bytes.AsSpan(0, 30_000))!.Lanes);
        for (var at = 0; at < 4096; at += 3)
        {
            var damaged = (byte[])bytes.Clone();
            damaged[at] ^= 0xA5;
            RecorderReader.Parse(damaged);
        }
    }

    static FlightRecorder Create(TempFolder temp) =>
        FlightRecorder.Create(temp.File("recorder.bin"), "run-1", 4, ["rank 0", "rank 1"], TimeProvider.System);
}
