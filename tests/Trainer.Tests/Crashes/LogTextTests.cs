using System.Text;
using Mcn.Web.Trainer.Crashes;
using Mcn.Web.Trainer.Diagnosis;

namespace Mcn.Web.Trainer.Tests.Crashes;

public sealed class LogTextTests
{
    [Fact]
    public void A_small_log_is_read_whole_with_the_line_numbers_of_an_editor()
    {
        var text = Read("one\r\ntwo\n  5%|#  |\r 10%|## |\rKilled\nfour\n", 1000, 1000);
        Assert.Equal(["one", "two", "  5%|#  |  10%|## | Killed", "four"], text.Lines);
        Assert.Equal((4, 0L), (text.Numbered, text.OmittedBytes));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_a_large_log_the_beginning_and_the_end_are_read_and_the_rest_is_counted(bool canSeek)
    {
        var lines = Enumerable.Range(0, 5000).Select(i => $"line {i:D6}").ToList();
        var bytes = Encoding.UTF8.GetBytes(string.Join('\n', lines));
        using Stream stream = canSeek ? new MemoryStream(bytes) : new Pipe(bytes);
        var text = LogText.Read(stream, headBytes: 120, tailBytes: 240);
        Assert.Equal(bytes.Length - 360, text.OmittedBytes);
        Assert.Equal("line 000000", text.Lines[0]);
        Assert.Equal("line 004999", text.Lines[^1]);
        Assert.Contains($"{text.OmittedBytes} bytes", text.Lines[text.Numbered], StringComparison.Ordinal);
        Assert.InRange(text.Lines.Count, 25, 35);
    }

    [Fact]
    public void A_line_behind_the_gap_has_no_number()
    {
        var text = Read(string.Join('\n', Enumerable.Repeat("nothing here", 400)) + "\nCUDA out of memory", 120, 240);
        var verdict = DiagnosisEngine.Judge(new Evidence { Texts = [new TextSource("log", text.Lines) { Numbered = text.Numbered }], IsText = true });
        Assert.Equal(("cuda-out-of-memory", 0), (verdict.Cause.Rule, verdict.Cause.Evidence[0].Line));
    }

    [Fact]
    public void What_is_no_text_is_refused() => Assert.Throws<InvalidDataException>(() => Read("PK\0\0", 100, 100));

    static LogText Read(string text, int head, int tail)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return LogText.Read(stream, head, tail);
    }

    sealed class Pipe(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(7, buffer.Length)]);

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(7, count));
    }
}
