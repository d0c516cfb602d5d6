namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>
/// The words of the sentences. Every value of a factor has synonyms, whose vectors are unrelated random numbers: that they mean the
/// same can only be learnt from what is seen and heard with them.
/// </summary>
static class SampleWords
{
    public static IReadOnlyList<string[]> Things { get; } =
    [
        ["cup", "mug", "コップ"], ["stone", "rock", "石"], ["rope", "cord"], ["leaf", "frond"], ["box", "crate", "箱"], ["lamp", "lantern"],
        ["wheel", "tyre"], ["brush", "broom"], ["bottle", "flask"], ["ribbon", "band"], ["teapot", "théière"], ["shell", "conch"],
    ];

    public static IReadOnlyList<string[]> Actions { get; } =
    [
        ["roll", "trundle"], ["lift", "raise", "hoist"], ["shake", "rattle"], ["pour", "tip"], ["cut", "slice", "切る"], ["fold", "bend"],
        ["drop", "release"], ["spin", "turn", "twirl"],
    ];

    public static IReadOnlyList<string[]> Sounds { get; } =
    [
        ["rain", "drizzle", "雨"], ["siren", "alarm"], ["birds", "sparrows"], ["engine", "motor"], ["bell", "chime"], ["whistle", "flute"],
        ["crowd", "people"], ["dog", "puppy", "犬"], ["wind", "breeze"], ["clock", "watch"], ["hammer", "mallet"], ["rocket", "jet"],
    ];

    /// <summary>Said anywhere, telling nothing.</summary>
    public static IReadOnlyList<string> Fillers { get; } =
    [
        "so", "okay", "now", "well", "right", "again", "just", "like", "really", "maybe", "today", "here", "look", "see", "ほら", "voilà", "you",
        "know", "guys", "gonna", "little", "bit", "good", "nice", "there",
    ];

    /// <summary>The rest of the templates.</summary>
    public static IReadOnlyList<string> Frames { get; } =
    [
        "we", "I", "the", "this", "a", "while", "with", "behind", "us", "and", "hear", "it", "it's", "is", "in", "background", "then", "let's", "can",
        "that", "outside", "my", "over", "as", "to",
    ];

    /// <summary>Said, but not in the vector file: the loader leaves them out.</summary>
    public static IReadOnlyList<string> Unknown { get; } = ["erm", "uhm", "hmmm", "whatchamacallit", "えーと", "42nd"];

    /// <summary>What the vector file holds: all but the unknown words, and half of them with a capital too, as another word.</summary>
    public static IReadOnlyList<string> Known { get; } = WithCapitals(
        [.. Things.Concat(Actions).Concat(Sounds).SelectMany(synonyms => synonyms), .. Fillers, .. Frames]);

    public static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];

    static List<string> WithCapitals(List<string> words)
    {
        var present = words.ToHashSet(StringComparer.Ordinal);
        words.AddRange([.. words.Where((_, i) => i % 2 == 0).Select(Capital).Where(present.Add)]);
        return words;
    }
}
