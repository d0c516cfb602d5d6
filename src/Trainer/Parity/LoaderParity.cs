using System.Runtime.InteropServices;
using System.Text.Json;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Parity;

/// <summary>What the loaders make of files: clips of captions, items of videos, random windows, evaluation items.</summary>
static class LoaderParity
{
    public static void Sampling(GoldenFolder golden, ParityReport report)
    {
        var captions = golden.Json("caption.json");
        var limit = golden.Size("T");
        var spectrograms = new Dictionary<string, HostArray>(StringComparer.Ordinal);
        var joined = new List<int>();
        foreach (var item in golden.Json("clip_sampling.json").EnumerateArray())
        {
            var video = item.GetProperty("video").GetString()!;
            var (index, minTime) = (item.GetProperty("caption_index").GetInt32(), item.GetProperty("min_time").GetDouble());
            var own = captions.GetProperty(video);
            var clip = ClipSampler.Grow(Numbers(own, "start"), Numbers(own, "end"), index, minTime, joined);
            var name = FormattableString.Invariant($"clip_sampling.{video}.{minTime}s.{index}");
            report.Same($"{name}.seconds", [clip.Start, clip.End], [item.GetProperty("start").GetDouble(), item.GetProperty("end").GetDouble()]);
            report.Same($"{name}.frames", [ClipSampler.FrameAt(clip.Start), ClipSampler.FrameAt(clip.End)], [item.GetProperty("spec_frame_start").GetInt64(), item.GetProperty("spec_frame_end").GetInt64()]);
            var texts = own.GetProperty("text").EnumerateArray().Select(text => text.GetString()!).ToList();
            report.Same($"{name}.words", joined.SelectMany(i => Data.Tokenizer.Split(texts[i])), TextParity.Strings(item, "words"));
            if (!spectrograms.TryGetValue(video, out var spectrogram)) spectrograms[video] = spectrogram = Spectrogram(golden, video);
            var slice = ClipSampler.AudioSlice(clip, (int)spectrogram.Shape[1], limit, negativeFirstFrame: true);
            report.Same($"{name}.nframes", [slice.Count], [item.GetProperty("nframes").GetInt32()]);
            report.Value($"{name}.audio_sum", Sum(spectrogram, slice), item.GetProperty("audio_sum").GetDouble(), ParityReport.LossLimit);
        }
    }

    public static void Items(GoldenFolder golden, ParityReport report)
    {
        var described = golden.Json("loader_items.json");
        var arrays = golden.Arrays("loader_items.npz");
        var items = described.GetProperty("items").EnumerateArray().Where(item => arrays.Has($"item{item.GetProperty("index").GetInt32()}_audio")).ToArray();
        int Size(string key) => described.GetProperty(key).GetInt32();
        var config = golden.Config($"n_pair={Size("n_pair")}", FormattableString.Invariant($"min_time={described.GetProperty("min_time").GetDouble()}"),
            $"howto_audio_frames={Size("num_audio_frames")}", $"max_words={Size("max_words")}", "batch_size=1", "kmeans=false");
        var data = TrainingData.Open(config);
        using var reader = new VideoReader(config, data.Videos, data.Captions, data.Counters);
        foreach (var item in items)
        {
            var index = item.GetProperty("index").GetInt32();
            var batch = new Batch(data.Shape);
            batch.Videos[0] = index;
            item.GetProperty("caption_indices").EnumerateArray().Select(one => one.GetInt32()).ToArray().CopyTo(batch.CaptionIndices, 0);
            batch.Audio.AsSpan().Fill((Half)7); // what an earlier use left behind must not shine through
            batch.Tokens.AsSpan().Fill(1);
            reader.FillDrawn(batch, 0);
            var name = $"loader_items.item{index}";
            report.Same($"{name}.video_id", [data.Videos.IdOf(index)], [item.GetProperty("video_id").GetString()!]);
            report.Same($"{name}.audio", MemoryMarshal.Cast<Half, ushort>(batch.Audio).ToArray(), arrays.Host($"item{index}_audio").As<ushort>().ToArray());
            report.Same($"{name}.nframes", batch.FrameCounts, arrays.Host($"item{index}_nframes").As<int>().ToArray());
            report.Near($"{name}.video", batch.Video, arrays.Singles($"item{index}_video"), 1e-6);
            report.Near($"{name}.text", [.. batch.Tokens.SelectMany(id => TextParity.Vector(data.Vocabulary, id))], arrays.Singles($"item{index}_text"), 0);
        }
    }

    public static void RandomWindows(GoldenFolder golden, ParityReport report)
    {
        foreach (var item in golden.Json("loader_items.json").GetProperty("random_windows").EnumerateArray())
        {
            var name = $"random_windows.item{item.GetProperty("index").GetInt32()}";
            var windows = new RandomWindows(item.GetProperty("spec_frames").GetInt32(), item.GetProperty("num_audio_frames").GetInt32());
            report.Same($"{name}.choice_range", [windows.Starts], [item.GetProperty("choice_range").GetInt32()]);
            int[] starts = [.. item.GetProperty("starts").EnumerateArray().Select(start => (int)start.GetDouble())];
            report.Same($"{name}.ends", starts.Select(start => windows.At(start).End), item.GetProperty("ends").EnumerateArray().Select(end => end.GetDouble()));
            report.Same($"{name}.nframes", starts.Select(start => windows.FramesOf(start).Count), item.GetProperty("nframes").EnumerateArray().Select(count => (int)count.GetDouble()));
        }
    }

    public static void YouCookItems(GoldenFolder golden, ParityReport report)
    {
        const int frames = 1024; // what the golden items were padded or cut to
        const int ends = 8;
        var arrays = golden.Arrays("youcook_items.npz");
        var config = golden.Config($"evaluation.eval_files=[\"{JsonEncodedText.Encode(golden.FileOf("youcook_like.pkl"))}\"]");
        var (vocabulary, sets) = EvaluationData.Open(config);
        var set = sets[0];
        var (bands, words, width) = (config.Model.MelBands, config.Data.MaxWords, config.Model.FeatureDim);
        var batch = new RetrievalBatch(1, width, bands, frames, words);
        report.Same("youcook_items.count", [set.Count], [arrays.Names.Count(name => name.EndsWith("_nframes", StringComparison.Ordinal))]);
        for (var item = 0; item < set.Count; item++)
        {
            var name = $"youcook_items.item{item}";
            batch.Audio.AsSpan().Fill(7);
            set.Fill(item, vocabulary, batch);
            report.Same($"{name}.nframes", [(long)batch.FrameCounts[0]], [arrays.Host($"item{item}_nframes").As<long>()[0]]);
            report.Near($"{name}.video", batch.Video, arrays.Singles($"item{item}_video"), 1e-6);
            report.Near($"{name}.text", [.. batch.Tokens.SelectMany(id => TextParity.Vector(vocabulary, id))], arrays.Singles($"item{item}_text"), 0);
            float[][] rows = [.. Enumerable.Range(0, bands).Select(band => batch.Audio.AsSpan(band * frames, frames).ToArray())];
            report.Near($"{name}.audio_first8_last8", [.. rows.SelectMany(row => row[..ends].Concat(row[^ends..]))], arrays.Singles($"item{item}_audio_first8_last8"), 0);
            report.Near($"{name}.audio_sum_per_band", [.. rows.Select(row => (float)row.Sum(value => (double)value))], arrays.Singles($"item{item}_audio_sum_per_band"), 1e-5);
        }
    }

    static HostArray Spectrogram(GoldenFolder golden, string video)
    {
        var file = Directory.EnumerateFiles(golden.FileOf("howto"), $"{video}_spec.npz", SearchOption.AllDirectories).First();
        return Npz.ReadAll(file)["arr_0"];
    }

    static double Sum(HostArray spectrogram, FrameSlice slice)
    {
        var (values, frames) = (spectrogram.ToSingles(), (int)spectrogram.Shape[1]);
        var sum = 0.0;
        for (var band = 0; band < values.Length / frames; band++)
            foreach (var value in values.AsSpan((band * frames) + slice.First, slice.Count)) sum += value;
        return sum;
    }

    static double[] Numbers(JsonElement captions, string key) => [.. captions.GetProperty(key).EnumerateArray().Select(number => number.GetDouble())];
}
