namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>
/// Says clips in sentences: templates that name thing, action and sound in changing order, with fillers, capitals, punctuation and
/// unknown words. Training sentences lack a word now and then, or have a wrong one; held-out sentences say all and say it right.
/// </summary>
sealed class SampleWriter(long seed)
{
    // T, A, S: thing, action, sound. F: nothing or a filler.
    static readonly string[] Templates =
    [
        "F F we A the T while S is in background F",
        "F S behind us , and I A this T F",
        "now A it , the T : hear that S !",
        "F there is S again F ... let's A my T",
        "this T , F , I A it F . S outside",
        "T F A F S F",
        "F can you A a T ? F it's S F",
        "S F F and then we A over the T",
    ];

    /// <summary>The sentences of one video, scene by scene.</summary>
    public string[] Say(int index, ReadOnlySpan<SampleClip> clips, bool isCareful)
    {
        var random = new CounterRandom(seed, RandomPurpose.SampleSet, (long)SamplePart.Sentences, index);
        var sentences = new string[clips.Length];
        for (var i = 0; i < sentences.Length; i++) sentences[i] = Sentence(clips[i], isCareful, random);
        return sentences;
    }

    static string Sentence(SampleClip clip, bool isCareful, CounterRandom random)
    {
        var words = new List<string>();
        foreach (var slot in Templates[random.Next(Templates.Length)].Split(' '))
        {
            var word = slot switch
            {
                "T" => Word(SampleWords.Things, clip.Thing, isCareful, random),
                "A" => Word(SampleWords.Actions, clip.Action, isCareful, random),
                "S" => Word(SampleWords.Sounds, clip.Sound, isCareful, random),
                "F" => Filler(random),
                _ => slot,
            };
            if (word is null) continue;
            if (word is "," or "." or "!" or "?" or ":" or "...") words[^1] += word;
            else words.Add(word);
        }

        if (random.Next(2) == 0) words[0] = SampleWords.Capital(words[0]);
        return string.Join(' ', words);
    }

    static string? Word(IReadOnlyList<string[]> values, int value, bool isCareful, CounterRandom random)
    {
        var (fate, other, choice) = (random.NextDouble(), random.Next(values.Count), random.Next(6));
        if (!isCareful && fate < SampleDifficulty.Missing) return null;
        var synonyms = values[!isCareful && fate > 1 - SampleDifficulty.Wrong ? other : value];
        return synonyms[choice % synonyms.Length];
    }

    static string? Filler(CounterRandom random) => random.Next(10) switch
    {
        < 4 => null,
        4 => SampleWords.Unknown[random.Next(SampleWords.Unknown.Count)],
        _ => SampleWords.Fillers[random.Next(SampleWords.Fillers.Count)],
    };
}
