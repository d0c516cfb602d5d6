using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Evaluation sets and a vocabulary for them. Opened alone it reads no training captions and no vectors but those of its own words
/// (mcn-spec Q23).
/// </summary>
public sealed record EvaluationData(Vocabulary Vocabulary, IReadOnlyList<RetrievalSet> Sets)
{
    /// <summary>For a run that only evaluates.</summary>
    public static EvaluationData Open(RunConfig config) => WithVocabulary(config, ReadSets(config), []);

    internal static List<RetrievalSet> ReadSets(RunConfig config) =>
        [.. config.Evaluation.EvalFiles.Select(file => RetrievalSet.Read(file, config.Model))];

    internal static EvaluationData WithVocabulary(RunConfig config, IReadOnlyList<RetrievalSet> sets, IEnumerable<string> otherWords)
    {
        var wanted = new HashSet<string>(otherWords, StringComparer.Ordinal);
        foreach (var set in sets) set.CollectWords(wanted);
        return new EvaluationData(Vocabulary.Read(config.Data.Word2vecPath, wanted, config.Model.WeDim), sets);
    }
}
