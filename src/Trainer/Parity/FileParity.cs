using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Parity;

/// <summary>The same weights in the files of torch.save, old and new: equal to the last bit.</summary>
static class FileParity
{
    public static void Checkpoint(GoldenFolder golden, string file, ParityReport report)
    {
        var expected = Npz.ReadAll(golden.FileOf("init_params.npz"));
        var read = WeightFile.Read(golden.FileOf(file)).Arrays;
        var name = Path.GetFileNameWithoutExtension(file);
        report.Same($"{name}.names", read.Keys.Order(StringComparer.Ordinal), expected.Keys.Order(StringComparer.Ordinal));
        var different = expected.Count(pair => !read.TryGetValue(pair.Key, out var array)
            || !array.Shape.SequenceEqual(pair.Value.Shape) || array.Type != pair.Value.Type || !array.Data.Span.SequenceEqual(pair.Value.Data.Span));
        report.Add(new ParityCheck($"{name}.arrays", different, 0, different == 0 ? "" : $"arrays that differ, of {expected.Count}"));
    }
}
