namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>The captions of all training videos as the original pickles them: some about the wrong scene, some cut in two.</summary>
sealed class SampleCaptions
{
    readonly List<string> ids = [];
    readonly List<List<(double Start, double End, string Text)>> captions = [];

    public int Count => captions.Sum(video => video.Count);

    /// <summary>Adds a video's sentences at the times of its scenes.</summary>
    public void Add(string id, ReadOnlySpan<SampleScene> scenes, string[] sentences, CounterRandom random)
    {
        var video = new List<(double, double, string)>();
        for (var i = 0; i < scenes.Length; i++)
        {
            var (start, end) = (scenes[i].Start, scenes[i].End);
            var isLate = random.NextDouble() < SampleDifficulty.Misaligned && i + 1 < scenes.Length;
            var text = sentences[isLate ? i + 1 : i];
            var words = text.Split(' ');
            if (random.NextDouble() >= SampleDifficulty.Cut || words.Length < 2)
            {
                video.Add((start, end, text));
                continue;
            }

            // Each half is shorter than min_time, so the loader joins it with its nearer neighbour, the other half.
            var (half, cut) = (Math.Floor(50 * (start + end)) / 100, words.Length / 2);
            video.Add((start, half, string.Join(' ', words[..cut])));
            video.Add((half, end, string.Join(' ', words[cut..])));
        }

        ids.Add(id);
        captions.Add(video);
    }

    /// <summary>Permutes the texts over all captions of all videos: nothing else changes, and they say nothing any more.</summary>
    public void Shuffle(CounterRandom random)
    {
        var texts = captions.SelectMany(video => video.Select(caption => caption.Text)).ToList();
        var order = random.Permutation(texts.Count);
        var next = 0;
        foreach (var video in captions)
            for (var i = 0; i < video.Count; i++) video[i] = video[i] with { Text = texts[order[next++]] };
    }

    /// <summary>dict: video id → dict of the lists start, end, text.</summary>
    public Dictionary<string, object?> ToPickle()
    {
        var pickle = new Dictionary<string, object?>();
        for (var i = 0; i < ids.Count; i++)
        {
            pickle[ids[i]] = new Dictionary<string, object?>
            {
                ["start"] = captions[i].ConvertAll(caption => caption.Start),
                ["end"] = captions[i].ConvertAll(caption => caption.End),
                ["text"] = captions[i].ConvertAll(caption => caption.Text),
            };
        }

        return pickle;
    }
}
