using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>
/// Makes 2d and 3d features: thing, action and place are points in a latent space, put off by a style of the video and by noise, and
/// seen through a fixed random network of one hidden layer. 2d rows are not negative, 3d rows are signed and follow the movement.
/// </summary>
sealed class SampleCamera
{
    public const int Width = 64;
    const int Latent = 24;
    const int Hidden = 96;

    readonly long seed;
    readonly double[][] things;
    readonly double[][] actions;
    readonly double[][] places;
    readonly double[] toHidden2d;
    readonly double[] toHidden3d;
    readonly double[] out2d;
    readonly double[] out3d;
    readonly double[] hidden = new double[Hidden];
    readonly double[] latent = new double[Latent];

    public SampleCamera(long seed)
    {
        this.seed = seed;
        var random = new CounterRandom(seed, RandomPurpose.SampleSet, (long)SamplePart.Camera);
        double[] Draw(int count, double size) => [.. Enumerable.Range(0, count).Select(_ => size * random.NextBell())];
        double[][] Points(int count) => [.. Enumerable.Range(0, count).Select(_ => Draw(Latent, 1))];
        (things, actions, places) = (Points(SampleClip.Things), Points(SampleClip.Actions), Points(SampleClip.Places));
        var (fanIn, fanHidden) = (1 / Math.Sqrt(Latent), 1 / Math.Sqrt(Hidden));
        (toHidden2d, toHidden3d) = (Draw(Hidden * Latent, fanIn), Draw(Hidden * Latent, fanIn));
        (out2d, out3d) = (Draw(Width * Hidden, 2 * fanHidden), Draw(Width * Hidden, 2 * fanHidden));
    }

    /// <summary>Films a video: 2d rows at 1/s in single precision, 3d rows at 1.5/s in half precision.</summary>
    /// <param name="index">Whose style and noise: training videos from 0 on, held-out clips after them.</param>
    public (HostArray Rows2d, HostArray Rows3d) Film(int index, ReadOnlySpan<SampleScene> scenes, double length)
    {
        var random = new CounterRandom(seed, RandomPurpose.SampleSet, (long)SamplePart.Frames, index);
        var style = new double[Latent];
        foreach (ref var value in style.AsSpan()) value = SampleDifficulty.Style * random.NextBell();
        return (
            Matrix(ArrayType.Float32, Rows(scenes, length, 1, isMoving: false, style, random)),
            Matrix(ArrayType.Float16, Rows(scenes, length, 1.5, isMoving: true, style, random)));
    }

    /// <summary>What an evaluation set holds of a clip: the maximum over time, in single precision.</summary>
    public static HostArray Maximum(HostArray rows)
    {
        var values = rows.ToSingles();
        var maximum = values[..Width];
        for (var i = Width; i < values.Length; i++) maximum[i % Width] = Math.Max(maximum[i % Width], values[i]);
        return SampleArrays.Of(ArrayType.Float32, [Width], maximum);
    }

    float[] Rows(ReadOnlySpan<SampleScene> scenes, double length, double rate, bool isMoving, double[] style, CounterRandom random)
    {
        var count = (int)(length * rate) + 1;
        var rows = new float[count * Width];
        var swing = random.NextDouble();
        for (var row = 0; row < count; row++)
        {
            Look(SceneAt(scenes, (row + 0.5) / rate), isMoving, style, swing + (0.37 * row), random);
            See(isMoving ? toHidden3d : toHidden2d, isMoving ? out3d : out2d, rows.AsSpan(row * Width, Width), random);
            if (isMoving) continue;
            foreach (ref var value in rows.AsSpan(row * Width, Width)) value = Math.Max(0, value);
        }

        return rows;
    }

    void Look(SampleClip? clip, bool isMoving, double[] style, double phase, CounterRandom random)
    {
        // The thing comes and goes behind hands, the movement swings: one row alone does not tell all.
        var thing = (isMoving ? 0.4 : 1) * random.Between(0.4, 1);
        var action = isMoving ? 1.2 * Triangle(phase) : 0.5;
        for (var i = 0; i < Latent; i++)
        {
            latent[i] = style[i] + (SampleDifficulty.RowNoise * random.NextBell());
            if (clip is { } seen) latent[i] += (thing * things[seen.Thing][i]) + (action * actions[seen.Action][i]) + (0.6 * places[seen.Place][i]);
        }
    }

    void See(double[] toHidden, double[] toRow, Span<float> row, CounterRandom random)
    {
        for (var h = 0; h < Hidden; h++)
        {
            var sum = 0.0;
            for (var i = 0; i < Latent; i++) sum += toHidden[(h * Latent) + i] * latent[i];
            hidden[h] = sum / (1 + Math.Abs(sum)); // bends like tanh, and is the same on every platform
        }

        for (var o = 0; o < Width; o++)
        {
            var sum = 0.05 * random.NextBell();
            for (var h = 0; h < Hidden; h++) sum += toRow[(o * Hidden) + h] * hidden[h];
            row[o] = (float)sum;
        }
    }

    static SampleClip? SceneAt(ReadOnlySpan<SampleScene> scenes, double time)
    {
        // Half a second around a scene belongs to it: the loader takes rows by the caption's times, rounded outwards.
        foreach (var scene in scenes)
            if (time >= scene.Start - 0.25 && time < scene.End + 0.25) return scene.Clip;
        return null;
    }

    /// <summary>Between -1 and 1, period 1, never near 0 for long.</summary>
    static double Triangle(double phase) => (4 * Math.Abs(phase - Math.Floor(phase) - 0.5)) - 1;

    static HostArray Matrix(ArrayType type, float[] rows) => SampleArrays.Of(type, [rows.Length / Width, Width], rows);
}
