using Mcn.Web.Shared.Configuration;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// The Multimodal Clustering Network (ICCV 2021; mcn-spec §4): three towers into one joint space of width D, and three heads
/// that reconstruct the towers' inputs. Parameter and buffer names and shapes are those of the original's state_dict.
/// Created on the CPU; whoever trains it sets the starting weights.
/// </summary>
public sealed class McnNetwork : nn.Module
{
    [ComponentName(Name = "DAVEnet")] readonly AudioTower audioTower;
    [ComponentName(Name = "GU_audio")] readonly GatedEmbedding audioGate;
    [ComponentName(Name = "DAVEnet_projection")] readonly Linear audioProjection;
    [ComponentName(Name = "GU_video")] readonly GatedEmbedding videoGate;
    [ComponentName(Name = "text_pooling_caption")] readonly SentencePooling sentencePooling;
    [ComponentName(Name = "GU_text_captions")] readonly GatedEmbedding textGate;
    [ComponentName(Name = "recon_v")] readonly ReconstructionHead? videoHead;
    [ComponentName(Name = "recon_a")] readonly ReconstructionHead? audioHead;
    [ComponentName(Name = "recon_t")] readonly ReconstructionHead? textHead;

    readonly BatchNorm[] norms;
    readonly bool poolOverPadding;
    readonly bool targetsCarryGradient;
    readonly ScalarType? compute;

    /// <param name="compatibility">Null: every habit of the original, as in the published weights.</param>
    /// <param name="precision">`fp32`, `tf32` or `bf16`, as configured; what TF32 needs is a switch of the whole process.</param>
    public McnNetwork(ModelConfig config, CompatibilityConfig? compatibility = null, string precision = "fp32")
        : base(nameof(McnNetwork))
    {
        poolOverPadding = compatibility?.PoolOverPadding ?? true;
        targetsCarryGradient = compatibility?.TargetsCarryGradient ?? true;
        var audioWidth = config.LayerWidths[^1];
        compute = Arithmetic.Of(precision);
        audioTower = new AudioTower(config.MelBands, config.LayerWidths, compute);
        audioProjection = nn.Linear(audioWidth, config.EmbdDim);
        audioGate = new GatedEmbedding(audioWidth, audioWidth, compute);
        videoGate = new GatedEmbedding(config.FeatureDim, config.EmbdDim, compute);
        sentencePooling = new SentencePooling(config.WeDim, config.EmbdDim, compatibility?.PaddingWordsTakePart ?? true, compute);
        textGate = new GatedEmbedding(config.EmbdDim, config.EmbdDim, compute);
        if (config.Recon)
        {
            videoHead = new ReconstructionHead(config.EmbdDim, config.ReconSize, config.FeatureDim, compute);
            audioHead = new ReconstructionHead(config.EmbdDim, config.ReconSize, audioWidth, compute);
            textHead = new ReconstructionHead(config.EmbdDim, config.ReconSize, config.EmbdDim, compute);
        }

        RegisterComponents();
        norms = [.. modules().OfType<BatchNorm>()];
    }

    /// <summary>The embeddings of N clips.</summary>
    /// <param name="clips">On the network's device.</param>
    /// <param name="reconstruct">Whether to run the reconstruction heads, where they exist; only the loss needs them.</param>
    public Embeddings Encode(ClipTensors clips, bool reconstruct)
    {
        var video = videoGate.call(clips.Video);

        // The gating happens at the audio width, before the projection: half-precision stability (mcn-spec §4.5).
        var features = audioTower.call(clips.Audio);
        if (compute is not null) features = features.to(ScalarType.Float32); // the mean over time is one of statistics
        var audioPooled = AudioTower.PoolOverTime(features, clips.FrameCounts, clips.Audio.shape[2], training && poolOverPadding);
        var audio = audioProjection.Apply(audioGate.call(audioPooled), compute);

        var sentence = sentencePooling.call(clips.Words, clips.WordIndex);
        var text = textGate.call(sentence);

        var error = reconstruct && videoHead is not null
            ? videoHead.Error(video, clips.Video).Plus(audioHead!.Error(audio, Target(audioPooled))).Plus(textHead!.Error(text, Target(sentence)))
            : null;
        return new Embeddings(audio, video, text, error);
    }

    /// <summary>Whether the running statistics of batch normalisation move with the next clips in training mode; at first they do.</summary>
    public void FollowStatistics(bool follow)
    {
        foreach (var norm in norms) norm.Follows = follow;
    }

    /// <summary>The running statistics as they are; the result puts them back. The copies live in the caller's dispose scope.</summary>
    internal Action RememberStatistics()
    {
        using var _ = no_grad();
        var copies = norms.Select(norm => norm.CopyStatistics()).ToArray();
        return () =>
        {
            using var noGrad = no_grad();
            for (var i = 0; i < norms.Length; i++) norms[i].RestoreStatistics(copies[i]);
        };
    }

    Tensor Target(Tensor target) => targetsCarryGradient ? target : target.detach();
}
