using Mcn.Web.TestKit;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>A sample set and configurations on it, made once by the program itself.</summary>
public sealed class SampleFixture : IAsyncLifetime
{
    readonly TempFolder folder = new();

    readonly Lazy<Task<Command.Result>> undisturbed;

    public SampleFixture() => undisturbed = new(() => Command.Run("train", "--config", Long, "--json", "--data", folder.File("undisturbed")));

    /// <summary>90 steps: a second or two.</summary>
    public string Config => folder.File("config/short.json");

    /// <summary>900 steps: time for a person to interfere.</summary>
    public string Long => folder.File("config/long.json");

    /// <summary>The long run, left alone.</summary>
    public Task<Command.Result> Undisturbed => undisturbed.Value;

    public async ValueTask InitializeAsync()
    {
        var made = await Command.Run("data", "sample", folder.File("set"));
        Assert.True(made.ExitCode == 0, made.Errors);
        Directory.CreateDirectory(folder.File("config"));
        Write(Config, epochs: 3);
        Write(Long, epochs: 30);
    }

    static void Write(string file, int epochs) => File.WriteAllText(file, $$"""
        {
          // 30 steps an epoch; a network small enough for seconds.
          "cpu_threads": 1,
          "data": {
            "train_csv": "../set/train/videos.csv", "features_path": "../set/train/parsed_videos",
            "caption_path": "../set/train/caption.pickle", "word2vec_path": "../set/train/words.bin",
            "batch_size": 8, "n_pair": 4, "howto_audio_frames": 100, "min_time": 1.0, "num_thread_reader": 2,
          },
          "model": { "embd_dim": 64, "feature_dim": 128, "layer_widths": [8, 8, 8, 16, 32], "recon_size": 16 },
          "objective": { "cluster_size": 8, "queue_size": 5 },
          "optimizer": { "lr": 0.001, "warmup_steps": 10, "epochs": {{epochs}} },
          "evaluation": { "eval_files": ["../set/heldout.pkl"], "num_frames_multiplier": 1, "batch_size_val": 50, "every_epochs": {{epochs}} },
          "telemetry": { "n_display": 1 },
        }
        """);

    public ValueTask DisposeAsync()
    {
        folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
