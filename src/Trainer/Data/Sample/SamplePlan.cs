namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>A clip in a video: seconds, and what it is about.</summary>
readonly record struct SampleScene(double Start, double End, SampleClip Clip);

/// <summary>
/// Which clips there are: pure. Of the 1152 (thing, action, sound) that can be said, 500 are held out, each for one clip, and the
/// others are trained on: no held-out combination is in a training video. Lengths and places in the video depend on nothing.
/// </summary>
sealed class SamplePlan
{
    public const int Videos = 240;
    public const int ScenesPerVideo = 10;
    public const int HeldOut = 500;

    /// <summary>Every scene is longer than the 2 s of audio that sample.json takes, so that padding does not tell its length.</summary>
    const double Shortest = 2.05;
    const double Longest = 2.6;

    /// <summary>A feature row is at most half a second away from the time it shows, so longer gaps keep neighbours apart.</summary>
    const double ShortestGap = 0.55;
    const double LongestGap = 0.9;

    readonly long seed;
    readonly int[] sayings;

    public SamplePlan(long seed)
    {
        this.seed = seed;
        sayings = Random(-1).Permutation(SampleClip.Sayings);
    }

    /// <summary>The scenes of a training video, and its length in seconds.</summary>
    public (SampleScene[] Scenes, double Length) VideoOf(int video)
    {
        var random = Random(video);
        var scenes = new SampleScene[ScenesPerVideo];
        var time = random.Between(0.1, LongestGap);
        for (var i = 0; i < scenes.Length; i++)
        {
            var end = time + random.Between(Shortest, Longest);
            var saying = sayings[HeldOut + random.Next(SampleClip.Sayings - HeldOut)];
            scenes[i] = new SampleScene(Hundredths(time), Hundredths(end), SampleClip.Of(saying, random.Next(SampleClip.Places)));
            time = end + random.Between(ShortestGap, LongestGap);
        }

        return (scenes, Hundredths(time));
    }

    /// <summary>A held-out clip, from 0 s on. Its frames last as long as they want: their number must not tell the audio's.</summary>
    public (SampleScene Heard, SampleScene Seen) HeldOutOf(int index)
    {
        var random = Random(Videos + index);
        var clip = SampleClip.Of(sayings[index], random.Next(SampleClip.Places));
        return (new SampleScene(0, Hundredths(random.Between(Shortest, Longest)), clip), new SampleScene(0, Hundredths(random.Between(Shortest, Longest)), clip));
    }

    CounterRandom Random(int index) => new(seed, RandomPurpose.SampleSet, (long)SamplePart.Plan, index);

    static double Hundredths(double seconds) => Math.Floor(seconds * 100) / 100;
}
