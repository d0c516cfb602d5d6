using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>
/// Makes spectrograms as LoadAudio would: 40 bands x frames in dB, 100 frames a second, 0 the loudest cell of the file, -80 the floor.
/// The place colours the background; the sound is events at random onsets, as the video's voice does them.
/// </summary>
sealed class SampleMicrophone
{
    public const int Bands = 40;
    const double FramesPerSecond = 100;
    const float Background = -60;
    const float Step = 2; // dB: rounded cells compress four times better, and nothing audible is lost

    readonly long seed;
    readonly float[][] places;

    public SampleMicrophone(long seed)
    {
        this.seed = seed;
        places = [.. Enumerable.Range(0, SampleClip.Places).Select(PlaceOf)];
    }

    /// <param name="index">Whose voice and noise: training videos from 0 on, held-out clips after them.</param>
    public HostArray Record(int index, ReadOnlySpan<SampleScene> scenes, double length)
    {
        var random = new CounterRandom(seed, RandomPurpose.SampleSet, (long)SamplePart.Audio, index);
        var voice = new SampleVoice(random);
        var frames = (int)(length * FramesPerSecond);
        var cells = new float[Bands * frames];
        Fill(cells, 0, frames, frames, null, voice, random);
        foreach (var scene in scenes)
        {
            var (first, end) = ((int)(scene.Start * FramesPerSecond), Math.Min((int)(scene.End * FramesPerSecond), frames));
            Fill(cells, first, end, frames, places[scene.Clip.Place], voice, random);
            voice.Perform(SampleEvent.Sounds[scene.Clip.Sound], new SampleSlice(cells, frames, first, end), Background, random);
        }

        var loudest = float.MinValue;
        foreach (var cell in cells) loudest = Math.Max(loudest, cell);
        foreach (ref var cell in cells.AsSpan()) cell = Math.Clamp(MathF.Round((cell - loudest) / Step) * Step, -80, 0);
        return SampleArrays.Of(ArrayType.Float16, [Bands, frames], cells);
    }

    static void Fill(float[] cells, int first, int end, int frames, float[]? place, SampleVoice voice, CounterRandom random)
    {
        for (var band = 0; band < Bands; band++)
        {
            var mean = Background + voice.RoomAt(band) + (place?[band] ?? 0);
            for (var frame = first; frame < end; frame++) cells[(band * frames) + frame] = (float)(mean + (SampleDifficulty.AudioNoise * random.NextBell()));
        }
    }

    /// <summary>A smooth curve over the bands, with no mean: a place is not louder than another.</summary>
    float[] PlaceOf(int place)
    {
        const int knots = 9;
        var random = new CounterRandom(seed, RandomPurpose.SampleSet, (long)SamplePart.Places, place);
        var heights = new double[knots + 1];
        foreach (ref var height in heights.AsSpan()) height = 5 * random.NextBell();
        var curve = new float[Bands];
        for (var band = 0; band < Bands; band++)
        {
            var (knot, share) = (band * knots / Bands, (band * knots % Bands) / (double)Bands);
            curve[band] = (float)((heights[knot] * (1 - share)) + (heights[knot + 1] * share));
        }

        var sum = 0f;
        foreach (var value in curve) sum += value;
        for (var band = 0; band < Bands; band++) curve[band] -= sum / Bands;
        return curve;
    }
}
