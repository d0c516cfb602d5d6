using Mcn.Web.Shared;
using Mcn.Web.Trainer.Sound;

namespace Mcn.Web.Trainer.Tests.Sound;

/// <summary>Against sines, whose resampled values are known.</summary>
public sealed class ResamplerTests
{
    [Theory]
    [InlineData(44100, 440)]
    [InlineData(44100, 7000)]
    [InlineData(48000, 7500)]
    [InlineData(22050, 3000)]
    [InlineData(8000, 1000)]
    [InlineData(8000, 3700)]
    [InlineData(11025, 5000)]
    [InlineData(96000, 100)]
    public void A_sine_stays_the_same_sine_without_delay(int rate, double hertz)
    {
        var output = Resampler.Resample(Sine(hertz, rate), rate, 16000);
        Assert.Equal(16000, output.Length);
        for (var k = 2000; k < 14000; k++) Assert.Equal(0.5 * Math.Sin(2 * Math.PI * hertz * k / 16000), output[k], 1e-4);
    }

    [Theory]
    [InlineData(44100, 8500)]
    [InlineData(44100, 15000)]
    [InlineData(48000, 8100)]
    [InlineData(48000, 23000)]
    [InlineData(192000, 60000)]
    public void What_the_lower_rate_cannot_hold_is_taken_away_instead_of_folded_back(int rate, double hertz)
    {
        var output = Resampler.Resample(Sine(hertz, rate), rate, 16000);
        Assert.True(output[2000..14000].Max(Math.Abs) < 0.5 * 1e-4, "less than -80 dB is left"); // 90 dB by design
    }

    [Fact]
    public void A_constant_stays_what_it_is()
    {
        var output = Resampler.Resample(Enumerable.Repeat(0.7f, 44100).ToArray(), 44100, 16000);
        Assert.All(output[300..^300], value => Assert.Equal(0.7f, value, 1e-5f));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    public void Short_sounds_have_their_length_rounded_up(int samples, int expected) =>
        Assert.Equal(expected, Resampler.Resample(new float[samples], 44100, 16000).Length);

    [Fact]
    public void A_ratio_that_would_need_hundreds_of_megabytes_is_refused()
    {
        var error = Assert.Throws<UserError>(() => Resampler.Resample(new float[10], 191_999, 16000));
        Assert.Contains("191999 Hz", error.Message, StringComparison.Ordinal);
    }

    static float[] Sine(double hertz, int rate) => [.. SmallWav.Tone(hertz, rate, rate).Select(sample => (float)sample)];
}
