using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Evaluation;

/// <summary>Looks at the memory of the whole process, so nothing may run beside it.</summary>
[Collection(Name)]
public sealed class RetrievalMemoryTests
{
    public const string Name = "alone in the process";

    const int MegaByte = 1 << 20;

    [Fact]
    public void Fifty_thousand_clips_are_compared_in_bounded_memory()
    {
        const int clips = 50_000;
        Assert.True((long)RetrievalEvaluator.QueriesInBlock(clips) * clips * sizeof(float) <= 16 * MegaByte);
        Assert.Equal(1, RetrievalEvaluator.QueriesInBlock(int.MaxValue));
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        var gallery = randn(clips, 8);
        using var noise = 0.02.ToScalar();
        var queries = gallery.Plus(randn(clips, 8) * noise);
        File.WriteAllText("/proc/self/clear_refs", "5"); // the peak so far is forgotten (proc(5)): other tests have had theirs
        var before = RunEnvironment.PeakMemoryBytes();
        var ranks = RetrievalMetrics.AveragedRanks(RetrievalEvaluator.Stand(queries, gallery));
        var grown = RunEnvironment.PeakMemoryBytes() - before;
        Assert.Equal(clips, ranks.Length);
        for (var query = 7; query < clips; query += 4999)
        {
            var similarity = gallery.mv(queries[query]).data<float>().ToArray();
            Assert.Equal(1 + similarity.Count(value => value > similarity[query]), ranks[query], 3.0); // another kernel: neighbours may swap
        }

        Assert.True(grown < 1024 * MegaByte, $"{grown / MegaByte} MB more than before; the whole matrix would be {4L * clips * clips / MegaByte} MB");
    }
}

[CollectionDefinition(RetrievalMemoryTests.Name, DisableParallelization = true)]
public sealed class AloneInTheProcess;
