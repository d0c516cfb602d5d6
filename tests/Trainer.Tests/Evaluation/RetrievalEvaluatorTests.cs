using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Tests.Data;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Evaluation;

public sealed class RetrievalEvaluatorTests
{
    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void The_originals_figures_on_its_own_embeddings_are_reproduced(string set)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var arrays = golden.Arrays("forward_eval");
        var (text, clip) = (arrays["out_text"], arrays["out_video"].Plus(arrays["out_audio"]));
        GoldenSet.Near(text.mm(clip.t()), golden.Arrays("retrieval_eval")["sim_text_videoaudio"], 1e-5, "similarities");
        var figures = RetrievalMetrics.Figures(RetrievalMetrics.OptimisticRanks(RetrievalEvaluator.Stand(text, clip)), (int)text.shape[0]);
        var expected = golden.Description.GetProperty("retrieval_eval");
        Assert.Equal(expected.GetProperty("R1").GetDouble(), figures.R1, 1e-12);
        Assert.Equal(expected.GetProperty("R5").GetDouble(), figures.R5, 1e-12);
        Assert.Equal(expected.GetProperty("R10").GetDouble(), figures.R10, 1e-12);
        Assert.Equal(expected.GetProperty("MR").GetDouble(), figures.MedR, 1e-12);
    }

    [Fact]
    public void The_table_does_not_depend_on_the_batch_it_was_encoded_in()
    {
        var weights = StoredWeights.Read(SharedFile.Path("golden/checkpoint_zip.pth"));
        var set = RetrievalSet.Read(SharedFile.Path("golden/youcook_like.pkl"), weights.Sizes);
        var words = new HashSet<string>();
        set.CollectWords(words);
        var vocabulary = Vocabulary.Read(SharedFile.Path("golden/word2vec.bin"), words, 20);
        using var network = new EvaluationNetwork(weights, vocabulary, CPU);
        var tables = new[] { 1, 4, 6, 100 }.Select(size =>
        {
            var settings = EvaluationSettings.Of(TestRun.Golden(TestKit.GoldenFolders.Full));
            settings = settings with { Model = weights.Sizes, Evaluation = settings.Evaluation with { BatchSizeVal = size, BootstrapSamples = 200 } };
            return RetrievalEvaluator.Evaluate(settings, set, vocabulary, batch => network.Encode(HostClips.From(batch)));
        }).ToArray();
        foreach (var table in tables[1..])
        {
            foreach (var (row, first) in table.Zip(tables[0]))
            {
                Assert.Equal(first with { Ci95 = row.Ci95 }, row);
                Assert.All(first.Ci95, interval => Assert.Equal(interval.Value, row.Ci95[interval.Key]));
            }
        }

        Assert.Equal(["t2va", "t2v", "t2a", "va2t", "v2t", "a2t", "a2v", "v2a"], tables[0].Select(row => row.Direction));
    }

    [Fact]
    public void Clips_without_audio_are_mistakes_that_stand_last()
    {
        var ranks = RetrievalMetrics.WithMissing([1, 2, 7], 20);
        var figures = RetrievalMetrics.Figures(ranks, 20);
        Assert.Equal((0.05, 0.1, 0.15), (figures.R1, figures.R5, figures.R10));
        Assert.Equal((20.0, (10 + (17 * 20)) / 20.0), (figures.MedR, figures.MeanR));
    }

    [Fact]
    public void The_originals_counting_leaves_NaN_and_missing_clips_out_of_the_median()
    {
        using var scope = NewDisposeScope();
        var queries = tensor(new[] { 1f, 0, float.NaN, 0, 0, 1 }, [3, 2]);
        var gallery = tensor(new[] { 1f, 0, 1, 1, 0, 1 }, [3, 2]);
        var standings = RetrievalEvaluator.Stand(queries, gallery);
        Assert.Equal([1, -1, 1], standings.Ties);
        Assert.Equal([1.0, 2.0, 1.0, 2.0], RetrievalMetrics.OptimisticRanks(standings));
        Assert.Equal([1.5, 3.0, 1.5], RetrievalMetrics.AveragedRanks(standings));
        Assert.Equal(double.NaN, RetrievalMetrics.Figures([], 3).MedR);
    }
}
