namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>Frames First .. End-1 of a spectrogram that is stored band by band.</summary>
readonly record struct SampleSlice(float[] Cells, int Frames, int First, int End)
{
    /// <summary>The louder of what is there and what is added wins, as it nearly does when powers are added.</summary>
    public void Raise(int band, int frame, double level)
    {
        if (band is < 0 or >= SampleMicrophone.Bands || frame < First || frame >= End) return;
        ref var cell = ref Cells[(band * Frames) + frame];
        cell = Math.Max(cell, (float)level);
    }
}

/// <summary>How one video sounds: pitch, speed and loudness of whatever happens in it, and the colour of its room.</summary>
sealed class SampleVoice
{
    readonly double pitch;
    readonly double speed;
    readonly double level;
    readonly double tilt;

    public SampleVoice(CounterRandom random)
    {
        pitch = random.Between(-SampleDifficulty.PitchSpread, SampleDifficulty.PitchSpread);
        speed = random.Between(0.8, 1.25);
        level = SampleDifficulty.AudioLevel + random.Between(-SampleDifficulty.AudioLevelSpread, SampleDifficulty.AudioLevelSpread);
        tilt = random.Between(-5, 5);
    }

    /// <summary>What the room adds to the background of a band, dB.</summary>
    public double RoomAt(int band) => tilt * ((band / 19.5) - 1);

    /// <summary>Repeats an event until the slice ends, with a pause of its own before each.</summary>
    public void Perform(SampleEvent happening, SampleSlice slice, double background, CounterRandom random)
    {
        var frame = slice.First + random.Between(-20, 20);
        while (frame < slice.End)
        {
            var length = happening.Frames / speed * random.Between(0.9, 1.1);
            var loudness = background + level + random.Between(-3, 3);
            switch (happening)
            {
                case SampleEvent.Line line: Draw(line, slice, (int)frame, length, loudness, random.Between(-0.5, 0.5)); break;
                case SampleEvent.Strokes strokes: Strike(strokes, slice, frame, length, loudness, random); break;
                default: throw new InvalidOperationException($"No sound for {happening.GetType().Name}");
            }

            frame += length + random.Between(8, 30);
        }
    }

    void Draw(SampleEvent.Line line, SampleSlice slice, int first, double length, double loudness, double detune)
    {
        for (var i = 0; i < (int)length; i++)
        {
            var u = i / length;
            var edge = Math.Min(i, length - i) < 2 ? 8 : 0;
            for (var harmonic = 0; harmonic < line.Harmonics; harmonic++)
            {
                var centre = line.Band + pitch + detune + (line.Span * line.Shape(u)) + (harmonic * line.Spacing);
                var nearest = (int)Math.Floor(centre + 0.5);
                for (var band = nearest - 2; band <= nearest + 2; band++)
                {
                    var off = band - centre;
                    slice.Raise(band, first + i, loudness - edge - (line.Decay * u) - (3 * harmonic) - (6 * off * off));
                }
            }
        }
    }

    void Strike(SampleEvent.Strokes strokes, SampleSlice slice, double first, double length, double loudness, CounterRandom random)
    {
        var shift = (int)Math.Floor(pitch + 0.5);
        for (var at = 0.0; at < length; at += strokes.Period / speed * random.Between(0.9, 1.1))
        {
            for (var band = strokes.Low + shift; band <= strokes.High + shift; band++)
            {
                var height = loudness - 3 + (3 * random.NextBell());
                for (var i = 0; i < 5; i++) slice.Raise(band, (int)(first + at) + i, height - (7 * i));
            }
        }
    }
}
