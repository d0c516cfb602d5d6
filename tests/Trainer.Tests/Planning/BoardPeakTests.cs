using Mcn.Web.Shared;
using Mcn.Web.Trainer.Gpu;
using Mcn.Web.Trainer.Planning;

namespace Mcn.Web.Trainer.Tests.Planning;

public sealed class BoardPeakTests
{
    const long MiB = 1 << 20;
    const int Run = 4711;
    const int Other = 99;

    [Fact]
    public void The_fullest_board_counts_with_the_most_that_was_ever_read()
    {
        var peak = Seen([Board(0, 500), Board(1, 400)],
            [Board(0, 3500), Board(1, 8400)],
            [Board(0, 9500), Board(1, 9900)],
            [Board(0, 9400), Board(1, 600)]);
        Assert.Equal(new ProbePeak(9500 * MiB, "cuda:1", PeakSource.Board), peak.Fullest(Run, [Board(0, 500), Board(1, 400)]));
    }

    [Fact]
    public void What_NVML_says_of_the_process_itself_counts_and_the_growth_of_others_does_not()
    {
        var peak = Seen([Board(0, 2000, (Other, 1500)), Board(1, 500)],
            [Board(0, 8000, (Other, 3500), (Run, 4000)), Board(1, 3500, (Run, 3000))],
            [Board(0, 9000, (Other, 5000), (Run, 3500)), Board(1, 3500, (Run, 3000))]);
        Assert.Equal(new ProbePeak(4000 * MiB, "cuda:0", PeakSource.Process), peak.Fullest(Run, [Board(0, 5500, (Other, 5000)), Board(1, 500)]));
    }

    [Fact]
    public void In_a_container_the_only_process_that_came_is_the_run()
    {
        var peak = Seen([Board(0, 2000, (Other, 1500))], [Board(0, 6000, (Other, 1500), (123_456, 3900))]);
        Assert.Equal(new ProbePeak(3900 * MiB, "cuda:0", PeakSource.Process), peak.Fullest(Run, [Board(0, 2000, (Other, 1500))]));
    }

    [Fact]
    public void A_process_that_is_told_without_its_memory_is_measured_by_the_board()
    {
        var peak = Seen([Board(0, 500)], [Told(0, 4500, Run)]);
        Assert.Equal(new ProbePeak(4000 * MiB, "cuda:0", PeakSource.Board), peak.Fullest(Run, [Board(0, 510)]));
    }

    [Fact]
    public void Two_processes_that_came_cannot_be_told_apart_unless_one_has_the_run_s_id()
    {
        BoardReading[] before = [Board(0, 500)];
        var error = Assert.Throws<UserError>(() => Seen(before, [Board(0, 6000, (17, 1500), (18, 3900))]).Fullest(Run, before));
        Assert.StartsWith("--probe: 2 processes came onto cuda:0", error.Message, StringComparison.Ordinal);
        Assert.Equal(3900 * MiB, Seen(before, [Board(0, 6000, (17, 1500), (Run, 3900))]).Fullest(Run, before).Bytes);
    }

    [Theory]
    [InlineData(5300)]
    [InlineData(400)]
    public void A_board_that_is_not_as_before_in_the_end_says_nothing_of_the_run(long after)
    {
        var peak = Seen([Board(0, 1200)], [Board(0, 9500)]);
        var error = Assert.Throws<UserError>(() => peak.Fullest(Run, [Board(0, after)]));
        Assert.Equal($"--probe: 1200 MiB of cuda:0 were in use before the run and {after} MiB are after it; expected the same: another process came, grew or ended meanwhile. "
            + "Probe while nobody else uses the board, or plan without --probe", error.Message);
        Assert.False(peak.IsAsBefore([Board(0, after)]));
        Assert.True(peak.IsAsBefore([Board(0, 1200 + 60)]));
    }

    [Fact]
    public void A_board_of_which_nothing_was_taken_is_another_one()
    {
        var peak = Seen([Board(0, 500), Board(1, 500)], [Board(0, 4500), Board(1, 510)]);
        Assert.Contains("nothing of cuda:1", Assert.Throws<UserError>(() => peak.Fullest(Run, [Board(0, 500), Board(1, 500)])).Message, StringComparison.Ordinal);
    }

    static BoardPeak Seen(BoardReading[] before, params BoardReading[][] readings)
    {
        var peak = new BoardPeak(before);
        foreach (var reading in readings) peak.See(reading);
        return peak;
    }

    static BoardReading Board(int index, long used, params (int Id, long MiB)[] processes) =>
        new($"cuda:{index}", used * MiB, processes.ToDictionary(process => process.Id, process => (long?)(process.MiB * MiB)));

    static BoardReading Told(int index, long used, int process) => new($"cuda:{index}", used * MiB, new Dictionary<int, long?> { [process] = null });
}
