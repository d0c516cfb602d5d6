using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Planning;

/// <summary>
/// What the original program needs on its first GPU, where it gathers everything: why 13 to 15 GB were seen there, and why no batch
/// from 512 videos on fits any card. Pure arithmetic over its published code (single-process DataParallel on 4 GPUs; similarity
/// matrices, losses, queue, k-means and optimizer on GPU 0; mcn-spec §2, §6). The driver's own memory is not in it.
/// </summary>
public static class OriginalMemory
{
    const int Gpus = 4;
    const int ClipsPerVideo = 32;
    const int QueueRows = 40_960; // 20 x 2048: hard-coded, whatever the batch
    const int MatricesKept = 6; // of N x N fp32 values for each of three pairs, forward and backward

    /// <param name="videos">The original's batch_size.</param>
    /// <param name="bytesPerActivation">2 under apex's half precision, 4 without.</param>
    public static long FirstGpuBytes(ModelConfig model, int videos, int frames, int words, int bytesPerActivation)
    {
        var size = new NetworkSize(model);
        long d = model.EmbdDim, n = (long)videos * ClipsPerVideo;
        // Beyond ours: every word position goes through the layer and its ReLU, and the gates concatenate before they split (GLU).
        var perClip = size.AudioActivations(frames) + size.HeadActivations() + (2L * words * d) + (4 * d);
        var activations = n / Gpus * perClip * bytesPerActivation;
        var weightsGradientsAdam = 16 * size.Parameters;
        var queue = QueueRows * d * sizeof(float);
        var queueAndBatch = (QueueRows + n) * d * sizeof(float);
        var similarities = 3L * MatricesKept * n * n * sizeof(float);
        var gathered = 3 * n * d * sizeof(float);
        return activations + weightsGradientsAdam + queue + queueAndBatch + similarities + gathered;
    }
}
