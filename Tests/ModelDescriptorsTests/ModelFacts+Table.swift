// SPDX-License-Identifier: GPL-3.0-or-later

/// All models that the project ships a descriptor for.
let modelFacts: [ModelFacts] = [
  ModelFacts(
    "mixtral-8x7b", layers: 32, moeLayers: 32, experts: 8, topK: 2,
    published: 46.7, publishedActive: 12.9, total: 46.703,
    activeWithout: 12.749, activeWith: 12.880,
    expertMillions: 176.161, expertMegabytes: 352.32, keyValueBytes: 131072),
  ModelFacts(
    "mixtral-8x22b", layers: 56, moeLayers: 56, experts: 8, topK: 2,
    published: 141, publishedActive: 39, total: 140.620,
    activeWithout: 38.955, activeWith: 39.152,
    expertMillions: 301.990, expertMegabytes: 603.98, keyValueBytes: 229376),
  ModelFacts(
    "deepseek-v2-lite", layers: 27, moeLayers: 26, experts: 64, topK: 6,
    published: 16, publishedActive: 2.4, total: 15.706,
    activeWithout: 2.451, activeWith: 2.661,
    expertMillions: 8.651, expertMegabytes: 17.30, keyValueBytes: 31104),
  ModelFacts(
    "deepseek-v2", layers: 60, moeLayers: 59, experts: 160, topK: 6,
    published: 236, publishedActive: 21, total: 235.741,
    activeWithout: 20.851, activeWith: 21.375,
    expertMillions: 23.593, expertMegabytes: 47.19, keyValueBytes: 69120),
  ModelFacts(
    "deepseek-v3", layers: 61, moeLayers: 58, experts: 256, topK: 8,
    published: 671, publishedActive: 37, total: 671.025,
    activeWithout: 36.625, activeWith: 37.552,
    expertMillions: 44.040, expertMegabytes: 44.04, keyValueBytes: 70272),
  ModelFacts(
    "qwen1.5-moe-a2.7b", layers: 24, moeLayers: 24, experts: 60, topK: 4,
    published: 14.3, publishedActive: 2.7, total: 14.316,
    activeWithout: 2.378, activeWith: 2.689,
    expertMillions: 8.651, expertMegabytes: 17.30, keyValueBytes: 196608),
  ModelFacts(
    "qwen2-57b-a14b", layers: 28, moeLayers: 28, experts: 64, topK: 8,
    published: 57, publishedActive: 14, total: 57.408,
    activeWithout: 13.704, activeWith: 14.249,
    expertMillions: 27.525, expertMegabytes: 55.05, keyValueBytes: 57344),
  ModelFacts(
    "qwen3-30b-a3b", layers: 48, moeLayers: 48, experts: 128, topK: 8,
    published: 30, publishedActive: 3, total: 30.532,
    activeWithout: 3.042, activeWith: 3.353,
    expertMillions: 4.719, expertMegabytes: 9.44, keyValueBytes: 98304),
  ModelFacts(
    "qwen3-235b-a22b", layers: 94, moeLayers: 94, experts: 128, topK: 8,
    published: 235, publishedActive: 22, total: 235.093,
    activeWithout: 21.568, activeWith: 22.190,
    expertMillions: 18.874, expertMegabytes: 37.75, keyValueBytes: 192512),
  ModelFacts(
    "qwen3-next-80b-a3b", layers: 48, moeLayers: 48, experts: 512, topK: 10,
    published: 80, publishedActive: 3, total: 79.674,
    activeWithout: 3.564, activeWith: 3.875,
    expertMillions: 3.146, expertMegabytes: 6.29, keyValueBytes: 24576),
  ModelFacts(
    "gpt-oss-20b", layers: 24, moeLayers: 24, experts: 32, topK: 4,
    published: 21, publishedActive: 3.6, total: 20.915,
    activeWithout: 3.608, activeWith: 4.187,
    expertMillions: 24.883, expertMegabytes: 13.22, keyValueBytes: 49152),
  ModelFacts(
    "gpt-oss-120b", layers: 36, moeLayers: 36, experts: 128, topK: 4,
    published: 117, publishedActive: 5.1, total: 116.829,
    activeWithout: 5.133, activeWith: 5.712,
    expertMillions: 24.883, expertMegabytes: 13.22, keyValueBytes: 73728),
  ModelFacts(
    "phi-3.5-moe", layers: 32, moeLayers: 32, experts: 16, topK: 2,
    published: 41.9, publishedActive: 6.6, total: 41.872,
    activeWithout: 6.509, activeWith: 6.640,
    expertMillions: 78.643, expertMegabytes: 157.29, keyValueBytes: 131072),
  ModelFacts(
    "olmoe-1b-7b", layers: 16, moeLayers: 16, experts: 64, topK: 8,
    published: 6.9, publishedActive: 1.3, total: 6.919,
    activeWithout: 1.179, activeWith: 1.282,
    expertMillions: 6.291, expertMegabytes: 12.58, keyValueBytes: 131072),
  ModelFacts(
    "glm-4.5", layers: 92, moeLayers: 89, experts: 160, topK: 8,
    published: 355, publishedActive: 32, total: 352.796,
    activeWithout: 32.854, activeWith: 33.630,
    expertMillions: 23.593, expertMegabytes: 47.19, keyValueBytes: 376832),
  ModelFacts(
    "glm-4.5-air", layers: 46, moeLayers: 45, experts: 128, topK: 8,
    published: 106, publishedActive: 12, total: 106.851,
    activeWithout: 12.802, activeWith: 13.423,
    expertMillions: 17.302, expertMegabytes: 34.60, keyValueBytes: 188416),
  ModelFacts(
    "kimi-k2", layers: 61, moeLayers: 60, experts: 384, topK: 8,
    published: 1000, publishedActive: 32, total: 1026.407,
    activeWithout: 31.686, activeWith: 32.860,
    expertMillions: 44.040, expertMegabytes: 44.04, keyValueBytes: 70272),
  ModelFacts(
    "minimax-m2", layers: 62, moeLayers: 62, experts: 256, topK: 8,
    published: 230, publishedActive: 10, total: 228.689,
    activeWithout: 10.415, activeWith: 11.030,
    expertMillions: 14.156, expertMegabytes: 14.16, keyValueBytes: 253952),
  ModelFacts(
    "llama-4-scout", layers: 48, moeLayers: 48, experts: 16, topK: 1,
    published: 109, publishedActive: 17, total: 107.769,
    activeWithout: 16.138, activeWith: 17.172,
    expertMillions: 125.829, expertMegabytes: 251.66, keyValueBytes: 196608),
  ModelFacts(
    "llama-4-maverick", layers: 48, moeLayers: 24, experts: 128, topK: 1,
    published: 400, publishedActive: 17, total: 400.711,
    activeWithout: 16.150, activeWith: 17.184,
    expertMillions: 125.829, expertMegabytes: 251.66, keyValueBytes: 196608),
  ModelFacts(
    "dbrx", layers: 40, moeLayers: 40, experts: 16, topK: 4,
    published: 132, publishedActive: 36, total: 131.596,
    activeWithout: 35.853, activeWith: 36.470,
    expertMillions: 198.181, expertMegabytes: 396.36, keyValueBytes: 163840),
  ModelFacts(
    "grok-1", layers: 64, moeLayers: 64, experts: 8, topK: 2,
    published: 314, publishedActive: nil, total: 315.683,
    activeWithout: 83.755, activeWith: 83.755,
    expertMillions: 603.980, expertMegabytes: 603.98, keyValueBytes: 262144),
  ModelFacts(
    "switch-base-128", layers: 24, moeLayers: 12, experts: 128, topK: 1,
    published: 7.5, publishedActive: nil, total: 7.415,
    activeWithout: 0.224, activeWith: 0.224,
    expertMillions: 4.719, expertMegabytes: 18.87, keyValueBytes: 36864),
  ModelFacts(
    "switch-large-128", layers: 48, moeLayers: 24, experts: 128, topK: 1,
    published: 26.4, publishedActive: nil, total: 26.309,
    activeWithout: 0.741, activeWith: 0.741,
    expertMillions: 8.389, expertMegabytes: 33.55, keyValueBytes: 98304),
  ModelFacts(
    "nllb-moe-54b", layers: 48, moeLayers: 12, experts: 128, topK: 2,
    published: 54, publishedActive: nil, total: 54.483,
    activeWithout: 3.749, activeWith: 3.749,
    expertMillions: 33.554, expertMegabytes: 134.22, keyValueBytes: 196608),
  ModelFacts(
    "qwen3.5-397b-a17b", layers: 60, moeLayers: 60, experts: 512, topK: 10,
    published: 397, publishedActive: 17, total: 396.346,
    activeWithout: 16.332, activeWith: 17.349,
    expertMillions: 12.583, expertMegabytes: 25.17, keyValueBytes: 30720),
  ModelFacts(
    "qwen3.5-122b-a10b", layers: 48, moeLayers: 48, experts: 256, topK: 8,
    published: 122, publishedActive: 10, total: 122.112,
    activeWithout: 9.008, activeWith: 9.771,
    expertMillions: 9.437, expertMegabytes: 18.87, keyValueBytes: 24576),
  ModelFacts(
    "qwen3.5-35b-a3b", layers: 40, moeLayers: 40, experts: 256, topK: 8,
    published: 35, publishedActive: 3, total: 34.661,
    activeWithout: 2.946, activeWith: 3.455,
    expertMillions: 3.146, expertMegabytes: 6.29, keyValueBytes: 20480),
  ModelFacts(
    "qwen3.6-35b-a3b", layers: 40, moeLayers: 40, experts: 256, topK: 8,
    published: 35, publishedActive: 3, total: 34.661,
    activeWithout: 2.946, activeWith: 3.455,
    expertMillions: 3.146, expertMegabytes: 6.29, keyValueBytes: 20480),
  ModelFacts(
    "deepseek-v3.2", layers: 61, moeLayers: 58, experts: 256, topK: 8,
    published: 671, publishedActive: nil, total: 671.878,
    activeWithout: 37.477, activeWith: 38.404,
    expertMillions: 44.040, expertMegabytes: 44.04, keyValueBytes: 70272),
  ModelFacts(
    "deepseek-v3.1-nvfp4", layers: 61, moeLayers: 58, experts: 256, topK: 8,
    published: 671, publishedActive: 37, total: 671.026,
    activeWithout: 36.626, activeWith: 37.552,
    expertMillions: 44.040, expertMegabytes: 24.77, keyValueBytes: 70272),
  ModelFacts(
    "deepseek-r1-nvfp4", layers: 61, moeLayers: 58, experts: 256, topK: 8,
    published: 671, publishedActive: 37, total: 671.026,
    activeWithout: 36.626, activeWith: 37.552,
    expertMillions: 44.040, expertMegabytes: 24.77, keyValueBytes: 70272),
  ModelFacts(
    "glm-5", layers: 78, moeLayers: 75, experts: 256, topK: 8,
    published: 744, publishedActive: 40, total: 743.911,
    activeWithout: 40.833, activeWith: 41.785,
    expertMillions: 37.749, expertMegabytes: 75.50, keyValueBytes: 89856),
  ModelFacts(
    "glm-5.1", layers: 78, moeLayers: 75, experts: 256, topK: 8,
    published: nil, publishedActive: nil, total: 743.911,
    activeWithout: 40.833, activeWith: 41.785,
    expertMillions: 37.749, expertMegabytes: 75.50, keyValueBytes: 89856),
  ModelFacts(
    "glm-5.2", layers: 78, moeLayers: 75, experts: 256, topK: 8,
    published: 744, publishedActive: 40, total: 743.377,
    activeWithout: 40.299, activeWith: 41.251,
    expertMillions: 37.749, expertMegabytes: 75.50, keyValueBytes: 89856),
  ModelFacts(
    "kimi-k2.5", layers: 61, moeLayers: 60, experts: 384, topK: 8,
    published: nil, publishedActive: nil, total: 1026.408,
    activeWithout: 31.687, activeWith: 32.862,
    expertMillions: 44.040, expertMegabytes: 24.77, keyValueBytes: 70272),
  ModelFacts(
    "kimi-k2.6", layers: 61, moeLayers: 60, experts: 384, topK: 8,
    published: nil, publishedActive: nil, total: 1026.408,
    activeWithout: 31.687, activeWith: 32.862,
    expertMillions: 44.040, expertMegabytes: 24.77, keyValueBytes: 70272),
  ModelFacts(
    "kimi-k3", layers: 93, moeLayers: 92, experts: 896, topK: 16,
    published: 2779.9, publishedActive: 104, total: 2779.481,
    activeWithout: 104.187, activeWith: 105.361,
    expertMillions: 33.030, expertMegabytes: 17.55, keyValueBytes: 27648),
  ModelFacts(
    "deepseek-v4-flash", layers: 43, moeLayers: 43, experts: 256, topK: 6,
    published: 284, publishedActive: 13, total: 284.332,
    activeWithout: 13.270, activeWith: 13.800,
    expertMillions: 25.166, expertMegabytes: 13.37, keyValueBytes: 5536),
  ModelFacts(
    "deepseek-v4-pro", layers: 61, moeLayers: 61, experts: 384, topK: 6,
    published: 1600, publishedActive: 49, total: 1572.997,
    activeWithout: 48.852, activeWith: 49.779,
    expertMillions: 66.060, expertMegabytes: 35.09, keyValueBytes: 7928),
  ModelFacts(
    "minimax-m2.5", layers: 62, moeLayers: 62, experts: 256, topK: 8,
    published: 228.7, publishedActive: nil, total: 228.690,
    activeWithout: 10.416, activeWith: 11.031,
    expertMillions: 14.156, expertMegabytes: 14.16, keyValueBytes: 253952),
  ModelFacts(
    "minimax-m2.7", layers: 62, moeLayers: 62, experts: 256, topK: 8,
    published: nil, publishedActive: nil, total: 228.690,
    activeWithout: 10.416, activeWith: 11.031,
    expertMillions: 14.156, expertMegabytes: 14.16, keyValueBytes: 253952),
  ModelFacts(
    "minimax-m3", layers: 60, moeLayers: 57, experts: 128, topK: 4,
    published: 428, publishedActive: 23, total: 425.950,
    activeWithout: 24.509, activeWith: 25.738,
    expertMillions: 56.623, expertMegabytes: 113.25, keyValueBytes: 122880),
  ModelFacts(
    "glm-4.6", layers: 92, moeLayers: 89, experts: 160, topK: 8,
    published: 355, publishedActive: 32, total: 352.798,
    activeWithout: 32.856, activeWith: 33.632,
    expertMillions: 23.593, expertMegabytes: 47.19, keyValueBytes: 376832),
  ModelFacts(
    "glm-4.7", layers: 92, moeLayers: 89, experts: 160, topK: 8,
    published: nil, publishedActive: nil, total: 352.798,
    activeWithout: 32.856, activeWith: 33.632,
    expertMillions: 23.593, expertMegabytes: 47.19, keyValueBytes: 376832),
  ModelFacts(
    "qwen3-235b-a22b-fp8", layers: 94, moeLayers: 94, experts: 128, topK: 8,
    published: 235, publishedActive: 22, total: 235.094,
    activeWithout: 21.568, activeWith: 22.191,
    expertMillions: 18.874, expertMegabytes: 18.87, keyValueBytes: 192512),
  ModelFacts(
    "qwen3-coder-480b-a35b", layers: 62, moeLayers: 62, experts: 160, topK: 8,
    published: 480, publishedActive: 35, total: 480.155,
    activeWithout: 34.541, activeWith: 35.475,
    expertMillions: 47.186, expertMegabytes: 94.37, keyValueBytes: 253952),
  ModelFacts(
    "hy3", layers: 80, moeLayers: 79, experts: 192, topK: 8,
    published: nil, publishedActive: nil, total: 295.034,
    activeWithout: 20.181, activeWith: 20.676,
    expertMillions: 18.874, expertMegabytes: 18.87, keyValueBytes: 327680),
  ModelFacts(
    "mimo-v2-flash", layers: 48, moeLayers: 47, experts: 256, topK: 8,
    published: nil, publishedActive: nil, total: 308.779,
    activeWithout: 14.821, activeWith: 15.446,
    expertMillions: 25.166, expertMegabytes: 25.17, keyValueBytes: 222720),
  ModelFacts(
    "step-3.7-flash", layers: 45, moeLayers: 42, experts: 288, topK: 8,
    published: nil, publishedActive: nil, total: 195.833,
    activeWithout: 10.336, activeWith: 10.864,
    expertMillions: 15.729, expertMegabytes: 31.46, keyValueBytes: 184320),
  ModelFacts(
    "gemma-4-26b-a4b", layers: 30, moeLayers: 30, experts: 128, topK: 8,
    published: 26, publishedActive: 4, total: 25.233,
    activeWithout: 3.823, activeWith: 3.823,
    expertMillions: 5.947, expertMegabytes: 11.89, keyValueBytes: 225280),
  ModelFacts(
    "nemotron-3-nano-30b-a3b", layers: 52, moeLayers: 23, experts: 128, topK: 6,
    published: 31.6, publishedActive: 3.2, total: 31.578,
    activeWithout: 3.228, activeWith: 3.580,
    expertMillions: 9.978, expertMegabytes: 19.96, keyValueBytes: 6144),
  ModelFacts(
    "nemotron-3-super-120b-a12b", layers: 88, moeLayers: 40, experts: 512, topK: 22,
    published: 120, publishedActive: 12, total: 120.669,
    activeWithout: 12.233, activeWith: 12.770,
    expertMillions: 5.505, expertMegabytes: 11.01, keyValueBytes: 8192),
  ModelFacts(
    "nemotron-3-ultra-550b-a55b", layers: 108, moeLayers: 48, experts: 512, topK: 22,
    published: 550, publishedActive: 55, total: 549.309,
    activeWithout: 54.985, activeWith: 56.059,
    expertMillions: 20.972, expertMegabytes: 41.94, keyValueBytes: 12288),
  ModelFacts(
    "granite-4.0-h-small", layers: 40, moeLayers: 40, experts: 72, topK: 10,
    published: 32, publishedActive: 9, total: 32.207,
    activeWithout: 8.803, activeWith: 8.803,
    expertMillions: 9.437, expertMegabytes: 18.87, keyValueBytes: 16384),
  ModelFacts(
    "granite-4.0-h-tiny", layers: 40, moeLayers: 40, experts: 64, topK: 6,
    published: 7, publishedActive: 1, total: 6.939,
    activeWithout: 1.465, activeWith: 1.465,
    expertMillions: 2.359, expertMegabytes: 4.72, keyValueBytes: 8192),
  ModelFacts(
    "deepseek-moe-16b", layers: 28, moeLayers: 27, experts: 64, topK: 6,
    published: 16.4, publishedActive: 2.8, total: 16.376,
    activeWithout: 2.619, activeWith: 2.829,
    expertMillions: 8.651, expertMegabytes: 17.30, keyValueBytes: 229376),
  ModelFacts(
    "switch-base-8", layers: 24, moeLayers: 12, experts: 8, topK: 1,
    published: 0.7, publishedActive: nil, total: 0.619,
    activeWithout: 0.223, activeWith: 0.223,
    expertMillions: 4.719, expertMegabytes: 18.87, keyValueBytes: 36864),
  ModelFacts(
    "switch-base-64", layers: 24, moeLayers: 12, experts: 64, topK: 1,
    published: 3.8, publishedActive: nil, total: 3.791,
    activeWithout: 0.223, activeWith: 0.223,
    expertMillions: 4.719, expertMegabytes: 18.87, keyValueBytes: 36864),
  ModelFacts(
    "arctic", layers: 35, moeLayers: 35, experts: 128, topK: 2,
    published: 480, publishedActive: 17, total: 478.585,
    activeWithout: 17.089, activeWith: 17.319,
    expertMillions: 104.595, expertMegabytes: 209.19, keyValueBytes: 143360),
  ModelFacts(
    "llama-3.1-8b", layers: 32, moeLayers: 0, experts: 0, topK: 0,
    published: 8.03, publishedActive: 8.03, total: 8.030,
    activeWithout: 7.505, activeWith: 8.030,
    expertMillions: nil, expertMegabytes: nil, keyValueBytes: 131072),
  ModelFacts(
    "mistral-7b", layers: 32, moeLayers: 0, experts: 0, topK: 0,
    published: 7.2, publishedActive: 7.2, total: 7.242,
    activeWithout: 7.111, activeWith: 7.242,
    expertMillions: nil, expertMegabytes: nil, keyValueBytes: 131072),
  ModelFacts(
    "gpt-j-6b", layers: 28, moeLayers: 0, experts: 0, topK: 0,
    published: 6.05, publishedActive: 6.05, total: 6.051,
    activeWithout: 5.844, activeWith: 6.051,
    expertMillions: nil, expertMegabytes: nil, keyValueBytes: 458_752),
  ModelFacts(
    "ds-moe-6b", layers: 36, moeLayers: 36, experts: 32, topK: 32,
    published: 6.5, publishedActive: nil, total: 6.615,
    activeWithout: 6.406, activeWith: 6.615,
    expertMillions: 4.194, expertMegabytes: 8.39, keyValueBytes: 73_728),
  ModelFacts(
    "llama-3-70b", layers: 80, moeLayers: 0, experts: 0, topK: 0,
    published: 70, publishedActive: 70, total: 70.554,
    activeWithout: 69.503, activeWith: 70.554,
    expertMillions: nil, expertMegabytes: nil, keyValueBytes: 327680),
  ModelFacts(
    "llama-3.1-70b", layers: 80, moeLayers: 0, experts: 0, topK: 0,
    published: 70, publishedActive: 70, total: 70.554,
    activeWithout: 69.503, activeWith: 70.554,
    expertMillions: nil, expertMegabytes: nil, keyValueBytes: 327680),
  ModelFacts(
    "qwen3-32b", layers: 64, moeLayers: 0, experts: 0, topK: 0,
    published: 32, publishedActive: 32, total: 32.762,
    activeWithout: 31.984, activeWith: 32.762,
    expertMillions: nil, expertMegabytes: nil, keyValueBytes: 262144),
]
